import { type Command, Option as Flag } from 'commander';
import { show } from '../config/engine/redact.js';
import { flagOf, flatOptions, type ListOption, type Option, type Scope } from '../config/engine/schema.js';
import type { FileMode } from '../config/load.js';

/** Headings in a help text, by the first part of the key. */
const HEADINGS: Readonly<Record<string, string>> = {
  etcd: 'etcd:',
  prefix: 'etcd:',
  probe: 'Probe (is the service healthy?):',
  nginx: 'NGINX:',
  guard: 'Guard (against the loss of many instances at once):',
  timing: 'Timing:',
  log: 'Log and admin endpoints:',
  admin: 'Log and admin endpoints:',
};

/** One flag of a command, as help texts, manual pages and shells are told of it. */
export interface FlagDescription {
  /** Such as `--lease-ttl`. */
  readonly flag: string;
  /** Stands for the value, such as `<duration>`; empty for a switch. */
  readonly placeholder: string;
  readonly doc: string;
  /** The heading in a help text; undefined for the options that come first. */
  readonly heading?: string | undefined;
  /** What a shell can complete the value to. */
  readonly value: CompletableValue;
  readonly repeatable: boolean;
}

/** Nothing (a switch), some words, a file, or text that only the user knows. */
type CompletableValue = 'none' | 'file' | 'text' | readonly string[];

/** The flags of a command: one for each option of its scope, and `--config` if it reads a file. */
export function flagsOf(scope: Scope, file: FileMode): readonly FlagDescription[] {
  return [
    ...[...flatOptions(scope)].map(([key, option]) => flagOfOption(key, option)),
    ...Object.entries(scope.lists).map(([name, list]) => listFlag(name, list)),
    ...(file === 'none' ? [] : [CONFIG_FLAG]),
  ];
}

const CONFIG_FLAG: FlagDescription = {
  flag: '--config',
  placeholder: '<file>',
  doc: 'YAML or JSON file with any of these options as keys.',
  value: 'file',
  repeatable: false,
};

function flagOfOption(key: string, option: Option<unknown>): FlagDescription {
  const { placeholder, repeatable = false, words, name } = option.type;
  const text = name === 'file' ? 'file' : (words ?? 'text');
  return {
    flag: flagOf(key),
    placeholder,
    doc: `${option.doc}${defaultNote(option)}`,
    heading: HEADINGS[key.split('.')[0] ?? ''],
    value: placeholder === '' ? 'none' : text,
    repeatable,
  };
}

function listFlag(name: string, list: ListOption): FlagDescription {
  const doc = `${list.doc} As YAML or JSON; best given in a file.`;
  return { flag: flagOf(name), placeholder: '<list>', doc, value: 'text', repeatable: false };
}

/** Adds the flags of a scope to a command. */
export function addFlags(command: Command, scope: Scope, file: FileMode): void {
  for (const flag of flagsOf(scope, file)) addFlag(command, flag);
}

function addFlag(command: Command, { flag, placeholder, doc, heading, repeatable }: FlagDescription): void {
  const main = new Flag(placeholder === '' ? flag : `${flag} ${placeholder}`, doc);
  if (heading) main.helpGroup(heading);
  if (repeatable) main.argParser(collect);
  command.addOption(main);
  if (placeholder === '') {
    command.addOption(new Flag(flag.replace('--', '--no-'), `The opposite of ${flag}.`).hideHelp());
  }
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** The default, to follow an option's description; empty for an empty default and for a switch that is off. */
function defaultNote({ default: value }: Option<unknown>): string {
  const empty = value === null || value === false || value === '';
  if (empty || (typeof value === 'object' && Object.keys(value as object).length === 0)) return '';
  const text = Array.isArray(value) ? value.join(',') : typeof value === 'string' ? value : show(value);
  return ` (default ${text})`;
}

/** The flags that were given, by their spelling. */
export function givenFlags(command: Command): ReadonlyMap<string, unknown> {
  const given = new Map<string, unknown>();
  for (const option of command.options) {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== 'cli' || option.negate) continue;
    given.set(option.long ?? '', command.getOptionValue(name));
  }
  return given;
}
