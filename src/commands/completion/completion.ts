import type { Invocation } from '../command.js';
import { COMMANDS } from '../commands.js';
import { type CommandDescription, describeCommands } from '../describe.js';
import { bashCompletion } from './bash.js';
import { fishCompletion } from './fish.js';
import { zshCompletion } from './zsh.js';

/** What makes the completion of each shell. */
export const COMPLETIONS = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const satisfies Record<string, (root: CommandDescription) => string>;

/** `sidekick completion bash|zsh|fish`. Resolves to 0. */
export async function completion(
  shell: keyof typeof COMPLETIONS,
  { out }: Pick<Invocation, 'out'>,
): Promise<number> {
  out.write(COMPLETIONS[shell](await describeCommands(COMMANDS)));
  return 0;
}
