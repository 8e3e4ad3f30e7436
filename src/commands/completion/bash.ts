import { type CommandDescription, everyCommand } from '../describe.js';
import type { FlagDescription } from '../flags.js';
import { caseBranches, nameOf, pathOf, quoted } from './shell-text.js';

const FILES = 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")';

/** A completion for bash 4 or newer. It needs nothing of the package bash-completion. */
export function bashCompletion(root: CommandDescription): string {
  const all = everyCommand(root);
  const paths = all.map(pathOf).filter((path) => path !== '');
  const values = all.flatMap((each) =>
    each.flags
      .filter(({ value }) => value !== 'none')
      .map((flag) => [`${pathOf(each)} ${flag.flag}`, valueReply(flag)] as const),
  );
  const replies = all.map((each) => [pathOf(each), commandReply(each)] as const);
  return `# bash completion for sidekick, made by \`sidekick completion bash\`.
_sidekick() {
    local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path= word
    # bash splits --flag=value into three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=\${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        case "\${path:+$path }$word" in
${caseBranches(
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
  paths.map((path) => [path, 'path="${path:+$path }$word"'] as const),
  '            ',
)}
        esac
    done
    COMPREPLY=()
    case "$path $previous" in
${caseBranches(values, '        ')}
    esac
    case $path in
${caseBranches(replies, '        ')}
    esac
}
complete -F _sidekick sidekick
`;
}

/** What completes the value of a flag. */
function valueReply({ value }: FlagDescription): string {
  if (value === 'none' || value === 'text') return 'return';
  return `${value === 'file' ? FILES : wordReply(value)}; return`;
}

/** What completes the next word of a command. */
function commandReply({ commands, flags, args }: CommandDescription): string {
  const options = wordReply(flags.map(({ flag }) => flag));
  const takesFile = args.some(({ value }) => value === 'file');
  if (commands.length === 0 && !takesFile) return options;
  const other = takesFile ? FILES : wordReply(commands.map(nameOf));
  return `if [[ $current == -* ]]; then ${options}; else ${other}; fi`;
}

function wordReply(words: readonly string[]): string {
  return `mapfile -t COMPREPLY < <(compgen -W ${quoted(words.join(' '))} -- "$current")`;
}
