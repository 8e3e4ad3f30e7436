import { type CommandDescription, everyCommand } from '../describe.js';
import type { FlagDescription } from '../flags.js';
import { firstSentence, nameOf, quoted } from './shell-text.js';

/** A completion for zsh: a file `_sidekick` in `fpath`, or text to source. */
export function zshCompletion(root: CommandDescription): string {
  return `#compdef sidekick
# zsh completion for sidekick, made by \`sidekick completion zsh\`.

${everyCommand(root).map(commandFunction).join('\n')}
# Called as a completion it completes; sourced it only says that it can.
if [[ $funcstack[1] == _sidekick ]]; then
    _sidekick "$@"
else
    compdef _sidekick sidekick
fi
`;
}

function functionOf({ path }: CommandDescription): string {
  return ['_sidekick', ...path].join('_');
}

function commandFunction(command: CommandDescription): string {
  const specs = [...command.flags.map(flagSpec), ...command.args.map(argumentSpec)];
  return command.commands.length === 0 ? leafFunction(command, specs) : groupFunction(command, specs);
}

function leafFunction(command: CommandDescription, specs: readonly string[]): string {
  return `${functionOf(command)}() {
    _arguments \\
        ${specs.join(' \\\n        ')}
}
`;
}

function groupFunction(command: CommandDescription, specs: readonly string[]): string {
  const names = command.commands.map((each) => quoted(`${nameOf(each)}:${firstSentence(each.summary)}`));
  const calls = command.commands.map((each) => `${nameOf(each)}) ${functionOf(each)} ;;`);
  return `${functionOf(command)}() {
    local curcontext=$curcontext state state_descr line
    local -A opt_args
    local -a commands=(
        ${names.join('\n        ')}
    )
    _arguments -C \\
        ${specs.join(' \\\n        ')} \\
        ': :->command' '*:: :->rest'
    case $state in
        command) _describe command commands ;;
        rest)
            case $words[1] in
                ${calls.join('\n                ')}
            esac
            ;;
    esac
}
`;
}

function flagSpec({ flag, placeholder, doc, value, repeatable }: FlagDescription): string {
  const often = repeatable ? '*' : '';
  const about = `[${escaped(firstSentence(doc))}]`;
  if (value === 'none') return quoted(`${often}${flag}${about}`);
  return quoted(`${often}${flag}=${about}:${escaped(placeholder.replace(/[<>]/g, ''))}:${action(value)}`);
}

function argumentSpec({ name, value }: CommandDescription['args'][number]): string {
  return quoted(`:${name}:${action(value ?? 'text')}`);
}

function action(value: FlagDescription['value']): string {
  if (value === 'file') return '_files';
  return typeof value === 'string' ? ' ' : `(${value.join(' ')})`;
}

/** For a description in brackets, and a message between colons. */
function escaped(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, '\\$&');
}
