#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { COMMANDS } from './commands/commands.js';
import { runCommandLine } from './commands/program.js';

// Deprecation warnings of dependencies are not actionable for users.
process.noDeprecation = true;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

process.exit(
  await runCommandLine(COMMANDS, process.argv.slice(2), {
    env: process.env,
    out: process.stdout,
    err: process.stderr,
    version,
  }),
);
