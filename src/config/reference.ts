import { show } from './engine/redact.js';
import {
  flagOf,
  flatOptions,
  type ListOption,
  type Option,
  optionsOf,
  type Scope,
  variableOf,
} from './engine/schema.js';
import { SCOPES } from './scopes.js';

const HEAD = `# Configuration reference

Generated from the schema by \`npm run docs\`: do not edit.

Every option is a flag, a variable and a key of a YAML or JSON file (\`--config FILE\`, or \`SIDEKICK_CONFIG\`), in that
order of precedence. Unknown flags and keys are errors; so is a bad value, and the message names the key, the value and
what is allowed. An empty variable counts as not set. Lists are separated by commas in flags and variables, and a flag
may be repeated. Durations have units: \`250ms\`, \`15s\`, \`1m30s\`. A switch that a variable or the file turns on is
turned off by \`--no-<switch>\`.

Passwords are never options: an option names the file that holds one. A bare file name is looked for in
\`$CREDENTIALS_DIRECTORY\`, where systemd puts what \`LoadCredential=\` loads.
`;

/** The reference of all options as Markdown. */
export function reference(): string {
  const sections = Object.entries(SCOPES).map(([name, scope]) => section(name, scope));
  return `${[HEAD, ...sections].join('\n')}`;
}

function section(name: string, scope: Scope): string {
  const rows = [...flatOptions(scope)].map(([key, option]) => row(key, option));
  const lists = Object.entries(scope.lists).map(([key, list]) => listSection(key, list));
  return [`## sidekick ${name}\n`, TABLE, ...rows, '', ...lists].join('\n');
}

const TABLE = '| key | flag, variable | value | default | |\n|---|---|---|---|---|';

function row(key: string, option: Option<unknown>): string {
  return cells([
    option.onlyForRun ? '' : `\`${key}\``,
    `\`${flagOf(key)}\`<br>\`${variableOf(key)}\``,
    option.type.name === 'enum' ? option.type.allowed.replace('one of ', '') : option.type.name,
    defaultOf(option),
    option.doc,
  ]);
}

function defaultOf({ default: value, required }: Option<unknown>): string {
  if (required) return '(required)';
  if (value === null || value === '') return '';
  if (typeof value === 'object' && Object.keys(value).length === 0) return '';
  const text = typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : show(value);
  return `\`${text}\``;
}

function listSection(name: string, list: ListOption): string {
  const entries = list.inline
    ? `Each entry takes ${Object.keys(list.entry)
        .map((key) => `\`${key}\``)
        .join(', ')}, as above. What is given entries the list is the default of every entry.`
    : 'The options of an entry:';
  const text = `### ${name}\n\n${list.doc} As a flag (\`${flagOf(name)}\`) or variable (\`${variableOf(name)}\`) it is YAML or JSON text.\n`;
  if (list.inline) return `${text}\n${entries}\n`;
  const rows = [...optionsOf(list.entry)].map(([key, option]) =>
    cells([`\`${key}\``, option.type.name, defaultOf(option), option.doc]),
  );
  return [text, entries, '', '| key | value | default | |\n|---|---|---|---|', ...rows, ''].join('\n');
}

function cells(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}
