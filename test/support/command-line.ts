/** `sidekick …` within the test's own process, from the command line to the exit code: a process takes seconds to start. */
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { COMMANDS } from '../../src/commands/commands.js';
import { runCommandLine } from '../../src/commands/program.js';

export interface Output {
  readonly code: number;
  /** Without the last line break, as is `err`. */
  readonly out: string;
  readonly err: string;
}

/** Runs a command to its end. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Output> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([text(out), text(err)]);
  const code = await runCommandLine(COMMANDS, args, { env, out, err, build: { version: '0' } });
  out.end();
  err.end();
  const [printed, told] = await texts;
  return { code, out: printed.trimEnd(), err: told.trimEnd() };
}
