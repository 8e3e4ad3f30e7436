import type { Format } from './format.js';

/**
 * One option, in the shape of a convict schema node. It is declared once: its key in a file is its path in the schema,
 * and its flag and its variable are spelled after that (`flagOf`, `variableOf`).
 */
export interface Option<T> {
  readonly doc: string;
  /** The name under which convict knows `type`. */
  readonly format: string;
  /** As a file would hold it; null where there is none. */
  readonly default: unknown;
  readonly nullable: boolean;
  /** Not shown when a configuration is printed. */
  readonly sensitive: boolean;
  /** What is shown of the value when a configuration is printed. */
  printed(value: unknown): unknown;
  /** Where the option is one of a list's entries, each entry has to have it. */
  readonly required: boolean;
  readonly type: Format<T>;
}

/** Options by name, in groups. */
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
   * The entry's options are also options beside the list, under this prefix (`` or `nginx.`): they are the defaults of
   * every entry, and where `single` is set, they are the one entry.
   */
  readonly beside?: { readonly prefix: string; readonly single: string };
}

/** Everything that one command takes. */
export interface Scope<S extends Schema = Schema, L extends Lists = Lists> {
  readonly options: S;
  readonly lists: L;
}

export type Lists = Readonly<Record<string, ListOption>>;

/** An option with a default, written as a file would. */
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
export function required<T>(type: Format<T>, doc: string): Option<T> {
  return { ...option(type, null, doc), nullable: true, required: true };
}

/** An option whose value is not to be printed. */
export function hidden<T>(base: Option<T>): Option<T> {
  return { ...base, sensitive: true };
}

/** An option of whose value only a part is to be printed. */
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

/** Every option that has a flag: those beside the scope's lists, and those of the scope itself. */
export function flatOptions(scope: Scope): ReadonlyMap<string, Option<unknown>> {
  const beside = Object.values(scope.lists).flatMap((list) =>
    list.beside ? [...optionsOf(list.entry, list.beside.prefix)] : [],
  );
  return new Map([...beside, ...optionsOf(scope.options)]);
}

/** `etcd.passwordFile` as words in lower case, joined. */
function spell(key: string, joint: string): string {
  return key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1.$2')
    .split(/[._]/)
    .join(joint)
    .toLowerCase();
}

/** `etcd.passwordFile` → `--etcd-password-file` */
export function flagOf(key: string): string {
  return `--${spell(key, '-')}`;
}

/** `etcd.passwordFile` → `SIDEKICK_ETCD_PASSWORD_FILE` */
export function variableOf(key: string): string {
  return `SIDEKICK_${spell(key, '_').toUpperCase()}`;
}
