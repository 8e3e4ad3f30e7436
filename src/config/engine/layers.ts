import { nearest } from './nearest.js';
import type { Problem } from './problem.js';
import { show } from './redact.js';
import { flagOf, flatOptions, isOption, type Schema, type Scope, treeOf, variableOf } from './schema.js';

/** One source of configuration: options and whole lists by key, as they are written there. */
export interface Layer {
  readonly values: ReadonlyMap<string, unknown>;
  readonly lists: ReadonlyMap<string, unknown>;
  /** Where a key's value comes from, for messages. */
  origin(key: string): string;
}

/** The keys of a scope that text can set: its options, and its lists as one YAML or JSON text. */
function textKeys(scope: Scope): readonly string[] {
  return [...flatOptions(scope).keys(), ...Object.keys(scope.lists)];
}

/** The keys for which `pick` finds text. */
function textLayer(scope: Scope, origin: (key: string) => string, pick: (key: string) => unknown): Layer {
  const chosen = (keys: Iterable<string>) =>
    new Map([...keys].map((key) => [key, pick(key)] as const).filter(([, value]) => value !== undefined));
  // A name that is both a list and a group (`nginx`) means the list here, because groups have no flag.
  return { values: chosen(flatOptions(scope).keys()), lists: chosen(Object.keys(scope.lists)), origin };
}

/**
 * The flags.
 * @param flags By their spelling: text, several texts if a flag was repeated, or true and false for switches.
 */
export function flagLayer(scope: Scope, flags: ReadonlyMap<string, unknown>): Layer {
  return textLayer(scope, flagOf, (key) => {
    const value = flags.get(flagOf(key));
    return Array.isArray(value) ? value.join(',') : value;
  });
}

const PREFIX = 'SIDEKICK_';

/** The `SIDEKICK_*` variables; an empty one counts as not set. */
export function variableLayer(scope: Scope, env: Readonly<Record<string, string | undefined>>): Layer {
  return textLayer(scope, variableOf, (key) => env[variableOf(key)] || undefined);
}

/** The `SIDEKICK_*` variables that are set but belong to no option of any scope: most likely misspelled. */
export function unknownVariables(
  scopes: readonly Scope[],
  env: Readonly<Record<string, string | undefined>>,
): readonly UnknownVariable[] {
  const known = new Set(['SIDEKICK_CONFIG', ...scopes.flatMap(textKeys).map(variableOf)]);
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.has(name) && !SERVICE_LINK.test(name))
    .map((name) => ({ name, meant: nearestVariable(name, known) }));
}

function nearestVariable(name: string, known: Iterable<string>): string | undefined {
  const withoutPrefix = (variable: string) => variable.slice(PREFIX.length);
  const meant = nearest(withoutPrefix(name), [...known].map(withoutPrefix));
  return meant === undefined ? undefined : PREFIX + meant;
}

/** A `SIDEKICK_*` variable that belongs to no option. */
export interface UnknownVariable {
  readonly name: string;
  /** The variable that was most likely meant. */
  readonly meant: string | undefined;
}

/** Variables that Kubernetes and Docker links set in every container if some service is called `sidekick`. */
const SERVICE_LINK =
  /^SIDEKICK_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)$/;

/**
 * The content of a configuration file.
 * @param ignored Top-level keys that are ignored, because they belong to other commands.
 */
export function fileLayer(
  scope: Scope,
  path: string,
  content: object,
  ignored: ReadonlySet<string>,
): { layer: Layer; problems: readonly Problem[] } {
  const origin = () => path;
  const tree = treeOf(scope);
  const entries = Object.entries(content);
  // `nginx` may be a group or a list. A list's name that is no group is always a list.
  const isList = ([name, value]: [string, unknown]) =>
    Object.hasOwn(scope.lists, name) && (Array.isArray(value) || !Object.hasOwn(tree, name));
  const rest = entries.filter(
    (entry) => !isList(entry) && !(ignored.has(entry[0]) && isOfAnother(tree, entry)),
  );
  const { values, problems } = flatten(Object.fromEntries(rest), tree, {
    prefix: '',
    origin: path,
    lists: Object.keys(scope.lists),
  });
  const lists = new Map(entries.filter(isList));
  return { layer: { values, lists, origin }, problems };
}

/** Whether no option of this command is meant: it has none of this name, or only a single one, and the file a group (`admin`). */
function isOfAnother(tree: Schema, [name, value]: readonly [string, unknown]): boolean {
  if (!Object.hasOwn(tree, name)) return true;
  const node = tree[name];
  return node !== undefined && isOption(node) && typeof value === 'object' && !Array.isArray(value);
}

interface FlattenContext {
  /** Put before each key in a problem, such as `services[1].`. */
  readonly prefix: string;
  readonly origin: string;
  /** The lists that may be in the same place, for messages. */
  readonly lists?: readonly string[];
}

/** Turns nested content into values by key. A key that the schema does not have is a problem. */
export function flatten(
  content: object,
  schema: Schema,
  context: FlattenContext,
): { values: ReadonlyMap<string, unknown>; problems: readonly Problem[] } {
  const found = [...walk(content, schema, '', context.lists ?? [])];
  return {
    values: new Map(found.flatMap(({ key, value, reason }) => (reason === undefined ? [[key, value]] : []))),
    problems: found.flatMap(({ key, reason }) =>
      reason === undefined ? [] : [{ key: `${context.prefix}${key}`, reason, origin: context.origin }],
    ),
  };
}

/** One key of some content: its value, or why there is none. */
interface Found {
  readonly key: string;
  readonly value?: unknown;
  readonly reason?: string;
}

function* walk(node: object, group: Schema, path: string, lists: readonly string[]): Generator<Found> {
  for (const [name, value] of Object.entries(node)) {
    const key = `${path}${name}`;
    const child = Object.hasOwn(group, name) ? group[name] : undefined;
    if (child && isOption(child) && !child.onlyForRun) yield { key, value };
    else if (child && !isOption(child) && isGroup(value)) yield* walk(value, child, `${key}.`, []);
    else if (child && isOption(child)) yield { key, reason: `cannot be in a file: give ${flagOf(key)}` };
    else
      yield { key, reason: unknownKeyReason(name, value, new Set([...Object.keys(group), ...lists]), child) };
  }
}

/** Whether a file's value can hold options. */
function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownKeyReason(
  name: string,
  value: unknown,
  allowed: ReadonlySet<string>,
  child: Schema | undefined,
): string {
  if (child) return `must be a group of ${Object.keys(child).join(', ')}, got ${show(value)}`;
  // The value of an unknown key may be a secret: it is not shown.
  const meant = nearest(name, allowed);
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
  return `is an unknown key${hint}; allowed here are ${[...allowed].join(', ')}`;
}
