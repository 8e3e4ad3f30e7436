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

/** Adds a flag to a command for each option of its scope. */
export function addFlags(command: Command, scope: Scope, file: FileMode): void {
  for (const [key, option] of flatOptions(scope)) addFlag(command, key, option);
  for (const [name, list] of Object.entries(scope.lists)) command.addOption(listFlag(name, list));
  if (file === 'none') return;
  command.addOption(new Flag('--config <file>', 'YAML or JSON file with any of these options as keys.'));
}

function addFlag(command: Command, key: string, option: Option<unknown>): void {
  const heading = HEADINGS[key.split('.')[0] ?? ''];
  const flag = flagOf(key);
  const spelled = option.type.placeholder === '' ? flag : `${flag} ${option.type.placeholder}`;
  const main = new Flag(spelled, `${option.doc}${defaultNote(option)}`);
  if (heading) main.helpGroup(heading);
  if (option.type.repeatable) main.argParser(collect);
  command.addOption(main);
  if (option.type.placeholder === '') {
    command.addOption(new Flag(flag.replace('--', '--no-'), `The opposite of ${flag}.`).hideHelp());
  }
}

function listFlag(name: string, list: ListOption): Flag {
  return new Flag(`${flagOf(name)} <list>`, `${list.doc} As YAML or JSON; best given in a file.`);
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
