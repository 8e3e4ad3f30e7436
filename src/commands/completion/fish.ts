import { type CommandDescription, everyCommand } from '../describe.js';
import type { FlagDescription } from '../flags.js';
import { firstSentence, nameOf, pathOf } from './shell-text.js';

/** A completion for fish. */
export function fishCompletion(root: CommandDescription): string {
  const all = everyCommand(root);
  const paths = all.filter(({ path }) => path.length > 0).map((each) => quoted(pathOf(each)));
  return `# fish completion for sidekick, made by \`sidekick completion fish\`.
function __sidekick_at --description 'Whether the command line calls this command'
    set -l path
    for word in (commandline -opc)[2..-1]
        set -l longer (string trim "$path $word")
        contains -- "$longer" ${paths.join(' ')}
        and set path $longer
    end
    test "$path" = "$argv"
end

complete -c sidekick -f
${all.flatMap(commandLines).join('\n')}
`;
}

function commandLines(command: CommandDescription): readonly string[] {
  const here = `complete -c sidekick -n ${quoted(`__sidekick_at ${pathOf(command)}`)}`;
  return [
    ...command.commands.map((each) => `${here} -a ${nameOf(each)} -d ${quoted(firstSentence(each.summary))}`),
    ...(command.args.some(({ value }) => value === 'file') ? [`${here} -F`] : []),
    ...command.flags.map((flag) => `${here} ${flagText(flag)}`),
  ];
}

function flagText({ flag, doc, value }: FlagDescription): string {
  return `-l ${flag.slice(2)}${valueText(value)} -d ${quoted(firstSentence(doc))}`;
}

function valueText(value: FlagDescription['value']): string {
  if (value === 'none') return '';
  if (value === 'file') return ' -r -F';
  return value === 'text' ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}

/** Text in single quotes, for fish. */
function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
