import { show } from './format.js';
import { nearest } from './nearest.js';
import type { Problem } from './problem.js';
import { flagOf, flatOptions, isOption, type Option, type Schema, type Scope, variableOf } from './schema.js';

/** What one source of configuration says: options and whole lists by key, as they are written there. */
export interface Layer {
  readonly values: ReadonlyMap<string, unknown>;
  readonly lists: ReadonlyMap<string, unknown>;
  /** Where a key's value comes from, for people. */
  origin(key: string): string;
}

/** The keys of a scope that text can set: its options, and its lists as one YAML or JSON text. */
export function textKeys(scope: Scope): readonly string[] {
  return [...flatOptions(scope).keys(), ...Object.keys(scope.lists)];
}

/** Reads text by key; `pick` finds it. */
function textLayer(scope: Scope, origin: (key: string) => string, pick: (key: string) => unknown): Layer {
  const chosen = (keys: Iterable<string>) =>
    new Map([...keys].map((key) => [key, pick(key)] as const).filter(([, value]) => value !== undefined));
  // A list that shares its name with a group (`nginx`) is the list here: groups have no flag of their own.
  return { values: chosen(flatOptions(scope).keys()), lists: chosen(Object.keys(scope.lists)), origin };
}

/** The flags, by their spelling: text, several texts where a flag was repeated, or true and false for switches. */
export function flagLayer(scope: Scope, flags: ReadonlyMap<string, unknown>): Layer {
  return textLayer(scope, flagOf, (key) => {
    const value = flags.get(flagOf(key));
    return Array.isArray(value) ? value.join(',') : value;
  });
}

/** The `SIDEKICK_*` variables; an empty one counts as not set. */
export function variableLayer(scope: Scope, env: Readonly<Record<string, string | undefined>>): Layer {
  return textLayer(scope, variableOf, (key) => env[variableOf(key)] || undefined);
}

/** The `SIDEKICK_*` variables that are set and stand for no option of any scope: most likely misspelled. */
export function unknownVariables(
  scopes: readonly Scope[],
  env: Readonly<Record<string, string | undefined>>,
): readonly UnknownVariable[] {
  const known = new Set(['SIDEKICK_CONFIG', ...scopes.flatMap(textKeys).map(variableOf)]);
  return Object.keys(env)
    .filter((name) => name.startsWith('SIDEKICK_') && !known.has(name) && !SERVICE_LINK.test(name))
    .map((name) => ({ name, meant: nearest(name, known) }));
}

/** A variable that looks like an option's and is none. */
export interface UnknownVariable {
  readonly name: string;
  /** The variable that was most likely meant. */
  readonly meant: string | undefined;
}

/** What Kubernetes and Docker links set in every container for a service that is itself called `sidekick`. */
const SERVICE_LINK =
  /^SIDEKICK_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)$/;

/**
 * The content of a configuration file.
 * @param elsewhere Top-level keys that other commands take, and that are passed over here.
 */
export function fileLayer(
  scope: Scope,
  path: string,
  content: object,
  elsewhere: ReadonlySet<string>,
): { layer: Layer; problems: readonly Problem[] } {
  const origin = () => path;
  const tree = treeOf(scope);
  const entries = Object.entries(content);
  // `nginx` may be a group or a list; a list that shares its name with no group is nothing else.
  const isList = ([name, value]: [string, unknown]) =>
    Object.hasOwn(scope.lists, name) && (Array.isArray(value) || !Object.hasOwn(tree, name));
  const rest = entries.filter(
    (entry) => !isList(entry) && (Object.hasOwn(tree, entry[0]) || !elsewhere.has(entry[0])),
  );
  const { values, problems } = flatten(Object.fromEntries(rest), tree, {
    prefix: '',
    origin: path,
    lists: Object.keys(scope.lists),
  });
  const lists = new Map(entries.filter(isList));
  return { layer: { values, lists, origin }, problems };
}

/** A scope as one nested schema: the options beside its lists, and its own. */
export function treeOf(scope: Scope): Schema {
  const tree: Record<string, Option<unknown> | Schema> = {};
  for (const { entry, beside } of Object.values(scope.lists)) {
    if (beside?.prefix === '') Object.assign(tree, entry);
    else if (beside) tree[beside.prefix.slice(0, -1)] = entry;
  }
  return { ...tree, ...scope.options };
}

interface FlattenContext {
  /** Put before each key in a problem, such as `services[1].`. */
  readonly prefix: string;
  readonly origin: string;
  /** The lists that may stand beside the content's keys, for messages. */
  readonly lists?: readonly string[];
}

/** Turns nested content into values by key; what the schema does not know is a problem. */
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
    if (child && isOption(child)) yield { key, value };
    else if (child && isGroup(value)) yield* walk(value, child, `${key}.`, []);
    else yield { key, reason: misfit(name, value, new Set([...Object.keys(group), ...lists]), child) };
  }
}

/** Whether a file's value can hold options; a group with nothing in it reads as null. */
function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function misfit(
  name: string,
  value: unknown,
  allowed: ReadonlySet<string>,
  child: Schema | undefined,
): string {
  if (child) return `must be a group of ${Object.keys(child).join(', ')}, got ${show(value)}`;
  // Nobody knows what kind of value an unknown key has: it is not shown.
  const meant = nearest(name, allowed);
  const hint = meant === undefined ? '' : `, perhaps ${meant}?`;
  return `is an unknown key${hint}; allowed here are ${[...allowed].join(', ')}`;
}
