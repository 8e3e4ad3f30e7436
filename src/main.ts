#!/usr/bin/env node
import { buildText, readBuild } from './commands/build.js';

// Deprecation warnings of dependencies are not actionable for users.
process.noDeprecation = true;

const args = process.argv.slice(2);
const build = readBuild(import.meta.url);

if (args.length === 1 && ['--version', '-V'].includes(args[0] ?? '')) {
  // Everything else takes longer to load than Node.js takes to start.
  process.stdout.write(`${buildText(build)}\n`);
} else {
  const { runSidekick } = await import('./commands/run-sidekick.js');
  process.exit(await runSidekick(args, build));
}
