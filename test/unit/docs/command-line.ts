/** Command lines of sidekick in documents, checked against the table of commands. */
import type { ArgumentSpec, CommandSpec, CommandTable } from '../../../src/commands/command.js';
import { COMMANDS } from '../../../src/commands/commands.js';
import { flagsOf } from '../../../src/commands/flags.js';
import { flagOf, flatOptions, type Option } from '../../../src/config/engine/schema.js';

/** Stands for whatever else a line has. */
const REST = '…';
/** A word that stands for another one: `SERVICE`, `[SERVICE]`, `$name` or `<file>`. */
const PLACEHOLDER = /^\[?[A-Z]+\]?$|^"?\$|^<.*>$|^…$/;

/** The words of a command of a shell, up to a comment, a pipe or another command. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^(#|[|&;<>])/.test(word)) break;
    words.push(word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  return words;
}

/** The arguments of sidekick in a line of a shell: `sidekick …`, an image or a bundle that is run, or Compose's operator. */
export function sidekickArguments(line: string): readonly string[] | undefined {
  const words = wordsOf(line);
  const [program] = words;
  const starts = (name: string) => words.indexOf(name) + 1 || undefined;
  let from: number | undefined;
  if (program === 'sidekick') from = 1;
  else if (program === 'docker') from = words[1] === 'run' ? starts('sidekick') : starts('operator');
  else if (program === 'node') from = starts('dist/main.js');
  return from === undefined ? undefined : words.slice(from);
}

/**
 * What is wrong with the arguments of a command line; undefined where nothing is. Words that stand for others are taken as
 * they are.
 * @param isComplete Whether what must be given may not be left out, as it may be in the running text.
 */
export async function faultOf(args: readonly string[], isComplete: boolean): Promise<string | undefined> {
  const found = findCommand(args, COMMANDS);
  if (found === undefined) return 'no such command';
  const { spec, rest } = found;
  if (spec === undefined) return undefined;
  const scope = await spec.scope();
  const flags = new Map(flagsOf(scope, spec.file).map(({ flag, placeholder }) => [flag, placeholder !== '']));
  const options = new Map([...flatOptions(scope)].map(([key, option]) => [flagOf(key), option]));
  const { values, given } = divide(rest, flags);
  const faults = given.map(({ flag, value }) => {
    const takesValue = flags.get(flag.replace(/^--no-/, '--'));
    if (takesValue === undefined) return `no option ${flag}`;
    if (takesValue && value === undefined && isComplete) return `${flag} has no value`;
    return value === undefined ? undefined : faultOfValue(flag, value, options.get(flag));
  });
  return (
    faults.find((fault) => fault !== undefined) ??
    faultOfArguments(values, spec.args, isComplete && !rest.includes(REST))
  );
}

interface GivenFlag {
  readonly flag: string;
  readonly value?: string | undefined;
}

/** The arguments and the flags among words. `takesValue`: the known flags, and whether a value follows them. */
function divide(
  words: readonly string[],
  takesValue: ReadonlyMap<string, boolean>,
): { readonly values: readonly string[]; readonly given: readonly GivenFlag[] } {
  const values: string[] = [];
  const given: GivenFlag[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--help' || word === REST) continue;
    if (!word.startsWith('-')) values.push(word);
    else given.push({ flag: word, value: takesValue.get(word) ? words[++i] : undefined });
  }
  return { values, given };
}

function faultOfValue(flag: string, value: string, option: Option<unknown> | undefined): string | undefined {
  const { type } = option ?? {};
  const read = PLACEHOLDER.test(value) ? undefined : type?.read(type.coerce(value));
  return read?.ok === false ? `${flag} ${read.reason}` : undefined;
}

function faultOfArguments(
  values: readonly string[],
  args: readonly ArgumentSpec[],
  isComplete: boolean,
): string | undefined {
  const needed = args.filter(({ optional = false }) => !optional).length;
  if (values.length > args.length) return `too many arguments: ${values.join(' ')}`;
  return isComplete && values.length < needed ? 'too few arguments' : undefined;
}

/** The command that words begin with, and what follows it; without a `spec` where they only name a group of commands. */
function findCommand(
  [name, ...rest]: readonly string[],
  table: CommandTable,
): { readonly spec?: CommandSpec; readonly rest: readonly string[] } | undefined {
  if (name === undefined || name.startsWith('-') || name === REST) return { rest: [] };
  const entry = table.find((each) => each.name === name);
  if (entry === undefined) return undefined;
  return 'commands' in entry ? findCommand(rest, entry.commands) : { spec: entry, rest };
}
