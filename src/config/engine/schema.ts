import { boolean, type Format } from './formats.js';

/**
 * One option, in the shape of a convict schema node. It is declared once: its key in a file is its path in the schema,
 * and its flag and its variable are spelled from that (`flagOf`, `variableOf`).
 */
export interface Option<T> {
  readonly doc: string;
  /** The name under which convict knows `type`. */
  readonly format: string;
  /** As a file would hold it; null where there is none. */
  readonly default: unknown;
  /** Whether the option may have no value. */
  readonly nullable: boolean;
  /** Whether the value is hidden in messages and in a printed configuration. */
  readonly sensitive: boolean;
  /** What a printed configuration shows of the value. */
  printed(value: unknown): unknown;
  /** Whether each entry of a list must have this option. */
  readonly required: boolean;
  /** A value of a required option for an example, as a file would hold it. */
  readonly example?: unknown;
  /** Whether the option belongs to one run of a command: a file may not have it, and a printed configuration does not show it. */
  readonly onlyForRun?: boolean;
  readonly type: Format<T>;
}

/** Options by name, nested in groups. */
export interface Schema {
  readonly [name: string]: Option<unknown> | Schema;
}

/** What a schema reads into. */
export type Values<S extends Schema> = {
  readonly [K in keyof S]: S[K] extends Option<infer T> ? T : S[K] extends Schema ? Values<S[K]> : never;
};

/** A list of entries that have options of their own, such as `services`. */
export interface ListOption<S extends Schema = Schema> {
  readonly doc: string;
  readonly entry: S;
  /**
   * Makes the entry's options also options outside the list, under `prefix` (`` or `nginx.`). They are the defaults of
   * every entry. If the option with the key `inlineKey` is set, they are the only entry.
   */
  readonly inline?: { readonly prefix: string; readonly inlineKey: string };
}

/** Everything that one command takes. */
export interface Scope<S extends Schema = Schema, L extends Lists = Lists> {
  readonly options: S;
  readonly lists: L;
}

export type Lists = Readonly<Record<string, ListOption>>;

/** An option with a default, in the spelling of a file. */
export function option<T>(type: Format<T>, fallback: unknown, doc: string): Option<T> {
  return {
    doc,
    format: type.allowed,
    default: fallback,
    nullable: false,
    sensitive: false,
    printed: (value) => value,
    required: false,
    type,
  };
}

/** An option that may be left out. */
export function optional<T>(type: Format<T>, doc: string): Option<T | undefined> {
  return { ...option<T | undefined>(type, null, doc), nullable: true };
}

/** An option that each entry of a list must have. */
export function required<T>(type: Format<T>, example: unknown, doc: string): Option<T> {
  return { ...option(type, null, doc), nullable: true, required: true, example };
}

/** A switch that is off by default. */
export function switchOption(doc: string): Option<boolean> {
  return option(boolean, false, doc);
}

/** A switch for one run of a command, such as `--json`. */
export function runSwitch(doc: string): Option<boolean> {
  return { ...switchOption(doc), onlyForRun: true };
}

/** An option whose value is never shown. */
export function sensitive<T>(base: Option<T>): Option<T> {
  return { ...base, sensitive: true };
}

/** An option of whose value a printed configuration shows only a part. */
export function printedAs<T>(base: Option<T>, printed: (value: unknown) => unknown): Option<T> {
  return { ...base, printed };
}

/** Whether a node is an option and not a group. */
export function isOption(node: Option<unknown> | Schema): node is Option<unknown> {
  return 'default' in node && 'type' in node;
}

/** The options of a schema by their keys, such as `etcd.endpoints`. */
export function optionsOf(schema: Schema, prefix = ''): ReadonlyMap<string, Option<unknown>> {
  return new Map(
    Object.entries(schema).flatMap(([name, node]) =>
      isOption(node) ? [[`${prefix}${name}`, node] as const] : [...optionsOf(node, `${prefix}${name}.`)],
    ),
  );
}

/** Every option that has a flag, by key: the inline options of the scope's lists, and those of the scope itself. */
export function flatOptions(scope: Scope): ReadonlyMap<string, Option<unknown>> {
  const inline = Object.values(scope.lists).flatMap((list) =>
    list.inline ? [...optionsOf(list.entry, list.inline.prefix)] : [],
  );
  return new Map([...inline, ...optionsOf(scope.options)]);
}

/** A scope as one nested schema: the inline options of its lists, and its own. */
export function treeOf(scope: Scope): Schema {
  const tree: Record<string, Option<unknown> | Schema> = {};
  for (const { entry, inline } of Object.values(scope.lists)) {
    if (inline?.prefix === '') Object.assign(tree, entry);
    else if (inline) tree[inline.prefix.slice(0, -1)] = entry;
  }
  return { ...tree, ...scope.options };
}

/** The words of a key, such as `etcd`, `password`, `file` of `etcd.passwordFile`. */
function wordsOf(key: string): readonly string[] {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1.$2')
    .toLowerCase()
    .split(/[._]/);
}

/** `etcd.passwordFile` → `--etcd-password-file` */
export function flagOf(key: string): string {
  return `--${wordsOf(key).join('-')}`;
}

/** `etcd.passwordFile` → `SIDEKICK_ETCD_PASSWORD_FILE` */
export function variableOf(key: string): string {
  return `SIDEKICK_${wordsOf(key).join('_').toUpperCase()}`;
}
