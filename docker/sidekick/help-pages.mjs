#!/usr/bin/env node
// Writes dist/help: what each command prints for --help, in each width. src/main.ts prints these files: it needs no parser of
// command lines then. A step of `npm run build`, after the bundle.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { root } from '../setup/run.mjs';

/**
 * The help pages by the names of their files.
 * @param program What `src/commands/documented.ts` exports.
 */
export async function helpPages(program) {
  const { COMMANDS, describeCommands, everyCommand, HELP_WIDTHS, helpPageName } = program;
  const pages = everyCommand(await describeCommands(COMMANDS)).flatMap(({ path }) =>
    HELP_WIDTHS.map(async (width) => [helpPageName(path, width), await helpOf(program, path, width)]),
  );
  return new Map(await Promise.all(pages));
}

/** What a command prints for --help on a terminal. */
async function helpOf({ COMMANDS, runCommandLine }, path, columns) {
  const out = Object.assign(new PassThrough(), { columns });
  const printed = text(out);
  const args = [...path, '--help'];
  const code = await runCommandLine(COMMANDS, args, { env: {}, out, err: process.stderr, build: {} });
  if (code !== 0) throw new Error(`sidekick ${args.join(' ')} ends with ${code}`);
  out.end();
  return printed;
}

if (process.argv[1] === import.meta.filename) {
  const pages = await helpPages(await import(join(root, 'dist/documented.js')));
  const directory = join(root, 'dist/help');
  await mkdir(directory, { recursive: true });
  await Promise.all([...pages].map(([name, page]) => writeFile(join(directory, name), page)));
}
