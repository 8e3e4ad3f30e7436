#!/usr/bin/env node
import { readBuild } from './commands/build.js';
import { COMMANDS } from './commands/commands.js';
import { runCommandLine } from './commands/program.js';

// Deprecation warnings of dependencies are not actionable for users.
process.noDeprecation = true;

process.exit(
  await runCommandLine(COMMANDS, process.argv.slice(2), {
    env: process.env,
    out: process.stdout,
    err: process.stderr,
    build: readBuild(import.meta.url),
  }),
);
