import type { Build } from './build.js';
import { COMMANDS } from './commands.js';
import { runCommandLine } from './program.js';

/** Runs `sidekick <args>` in this process. Resolves to the exit code. */
export function runSidekick(args: readonly string[], build: Build): Promise<number> {
  const { env, stdout: out, stderr: err } = process;
  return runCommandLine(COMMANDS, args, { env, out, err, build });
}
