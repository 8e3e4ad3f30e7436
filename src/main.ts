#!/usr/bin/env node
import { readBuild } from './commands/build.js';
import { quickAnswer } from './commands/quick-answer.js';
import { printAtOnce, terminalColumns } from './commands/standard-output.js';

// Deprecation warnings of dependencies are not actionable for users.
process.noDeprecation = true;

const args = process.argv.slice(2);
const answer = quickAnswer(args, import.meta.url, terminalColumns);

if (answer === undefined) {
  const { runSidekick } = await import('./commands/run-sidekick.js');
  process.exit(await runSidekick(args, readBuild(import.meta.url)));
} else {
  printAtOnce(answer);
}
