import { noOptionsScope } from '../../config/none.js';
import { type CommandTable, command } from '../command.js';

/** What loads a completion for good, by shell. */
const SHELLS = {
  bash: 'sidekick completion bash > ~/.local/share/bash-completion/completions/sidekick',
  zsh: 'sidekick completion zsh > ~/.zfunc/_sidekick',
  fish: 'sidekick completion fish > ~/.config/fish/completions/sidekick.fish',
} as const;

/** `sidekick completion …`. */
export const COMPLETION_COMMANDS: CommandTable = (Object.keys(SHELLS) as (keyof typeof SHELLS)[]).map(
  (shell) =>
    command({
      name: shell,
      summary: `Print the completion for ${shell}.`,
      description: `Prints a script with which ${shell} completes the commands, flags and values of sidekick.`,
      args: [],
      examples: [SHELLS[shell], ...(shell === 'fish' ? [] : [`source <(sidekick completion ${shell})`])],
      scope: () => Promise.resolve(noOptionsScope),
      file: 'none',
      run: async (invocation) => (await import('./completion.js')).completion(shell, invocation),
    }),
);
