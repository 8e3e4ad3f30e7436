import convict from 'convict';
import { parse } from 'yaml';
import { err, ok, type Result } from '../core/result.js';
import { yamlReason } from './file.js';
import { show } from './format.js';
import { flatten, type Layer, treeOf } from './layers.js';
import { type Problem, refuseProblems } from './problem.js';
import {
  flagOf,
  type ListOption,
  type Lists,
  type Option,
  optionsOf,
  type Schema,
  type Scope,
  type Values,
  variableOf,
} from './schema.js';

/** A configuration that has been read and found right. */
export interface Resolved<S extends Schema, L extends Lists> {
  readonly values: Values<S>;
  readonly lists: { readonly [K in keyof L]: readonly Entry<Values<L[K]['entry']>>[] };
  /** The same as a file would say it, defaults filled in, what is sensitive hidden. */
  readonly written: Tree;
}

/** One entry of a list. */
export interface Entry<T> {
  /** Goes before the keys of the entry in a message: `services[1].`, or less where it stood beside the list. */
  readonly label: string;
  readonly values: T;
}

/** Nested keys and values. */
export type Tree = Record<string, unknown>;

/** What is printed in the place of a sensitive value. */
const HIDDEN = '(hidden)';

/**
 * Lays the layers over the defaults, each over those before it, and reads the result.
 * Throws a UsageError that names everything that is wrong at once.
 * @param found Problems met while the layers were read.
 */
export function resolve<S extends Schema, L extends Lists>(
  scope: Scope<S, L>,
  layers: readonly Layer[],
  found: readonly Problem[] = [],
): Resolved<S, L> {
  const problems: Problem[] = [...found];
  const flat = fill(treeOf(scope), layers);
  const main = readAll(scope.options, { ...flat, label: '' }, problems);
  const lists: Record<string, readonly Entry<Tree>[]> = {};
  const written = main.written;
  for (const [name, list] of Object.entries(scope.lists)) {
    const entries = entriesOf(name, list, flat, layers, problems);
    lists[name] = entries;
    if (entries.length > 0) written[name] = entries.map((entry) => entry.written);
  }
  refuseProblems(problems);
  return { values: main.values as Values<S>, lists: lists as Resolved<S, L>['lists'], written };
}

/** A schema's options as written, by convict, and where those that are not defaults were written. */
interface Filled {
  readonly config: convict.Config<Tree>;
  readonly origins: ReadonlyMap<string, string>;
}

function fill(schema: Schema, layers: readonly Pick<Layer, 'values' | 'origin'>[]): Filled {
  for (const { type } of optionsOf(schema).values()) declareFormat(type);
  // Its own reading of variables and arguments is switched off: it would not say which value came from where.
  const config = convict<Tree>(schema as convict.Schema<Tree>, {
    env: {},
    args: [],
  });
  const origins = new Map<string, string>();
  for (const { values, origin } of layers) {
    for (const [key, value] of values) {
      config.set(key, value);
      origins.set(key, origin(key));
    }
  }
  return { config, origins };
}

function declareFormat(type: Option<unknown>['type']): void {
  convict.addFormat({
    name: type.allowed,
    coerce: (text: string) => type.coerce(text),
    validate(value: unknown) {
      const result = type.read(value);
      if (!result.ok) throw new Error(result.reason);
    },
  });
}

/** The values of a schema, read and as written. */
interface Read extends Entry<Tree> {
  readonly written: Tree;
}

/** Reads every option into its type. Option by option, since convict's `validate` joins its findings into one text. */
function readAll(
  schema: Schema,
  { config, origins, label }: Filled & { readonly label: string },
  problems: Problem[],
): Read {
  const values: Tree = {};
  const written: Tree = {};
  for (const [key, option] of optionsOf(schema)) {
    const path = key.split('.');
    const value = config.get(key);
    const result = readOption(option, value);
    put(values, path, result.ok ? result.value : undefined);
    if (value !== null) put(written, path, option.sensitive ? HIDDEN : option.printed(value));
    if (!result.ok) problems.push({ key: `${label}${key}`, reason: result.reason, origin: origins.get(key) });
  }
  return { label, values, written };
}

function readOption(option: Option<unknown>, value: unknown): Result<unknown> {
  const { nullable, required, sensitive, type } = option;
  if (!nullable || value !== null) {
    const result = type.read(value);
    return result.ok || !sensitive ? result : err(`must be ${type.allowed}, got ${HIDDEN}`);
  }
  return required ? err(`is required: ${type.allowed}`) : ok(undefined);
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  tree[name] ??= {};
  put(tree[name] as Tree, rest, value);
}

/** The entries of a list: those of the last layer that has the list, or the one that stands beside it. */
function entriesOf(
  name: string,
  list: ListOption,
  flat: Filled,
  layers: readonly Layer[],
  problems: Problem[],
): readonly Read[] {
  const layer = layers.findLast(({ lists }) => lists.has(name));
  const beside = list.beside ? besideLayer(list, list.beside.prefix, flat) : undefined;
  const single = list.beside && flat.config.get(list.beside.single) !== null ? list.beside.single : undefined;
  if (!layer && list.beside && beside && single !== undefined) {
    return [readAll(list.entry, { ...fill(list.entry, [beside]), label: list.beside.prefix }, problems)];
  }
  const origin = layer?.origin(name);
  const read = layer ? readList(layer.lists.get(name)) : ok([]);
  if (!read.ok) {
    const reason = `must be a list of groups of ${Object.keys(list.entry).join(', ')}: ${read.reason}`;
    problems.push({ key: name, reason, origin });
    return [];
  }
  const entries = read.value;
  if (single !== undefined) {
    const reason = `stands beside the list ${name} of ${origin}: give the one or the other`;
    problems.push({ key: single, reason, origin: flat.origins.get(single) });
  } else if (list.beside && entries.length === 0) {
    problems.push({ key: list.beside.single, reason: howToGive(list.beside.single, name), origin });
  }
  return entries.map((entry, index) =>
    readEntry(list, entry, { label: `${name}[${index}]`, origin: origin ?? '', beside }, problems),
  );
}

function howToGive(key: string, list: string): string {
  return `is required: give ${flagOf(key)} or ${variableOf(key)}, or the list ${list} in a file`;
}

/** A list as a file holds it, or as the text of a flag or variable. A text that is none is not shown: it has headers in it. */
function readList(value: unknown): Result<readonly unknown[]> {
  if (Array.isArray(value)) return ok(value);
  if (typeof value !== 'string') return err(`got ${show(value)}`);
  try {
    const parsed: unknown = parse(value);
    return Array.isArray(parsed) ? ok(parsed) : err('the text holds no list');
  } catch (error) {
    return err(`the text is neither YAML nor JSON: ${yamlReason(error)}`);
  }
}

/** What was said beside the list, as the lowest layer of its entries. */
function besideLayer(list: ListOption, prefix: string, flat: Filled): Pick<Layer, 'values' | 'origin'> {
  const said = [...optionsOf(list.entry).keys()].filter((key) => flat.origins.has(`${prefix}${key}`));
  return {
    values: new Map(said.map((key) => [key, flat.config.get(`${prefix}${key}`)])),
    origin: (key) => flat.origins.get(`${prefix}${key}`) ?? '',
  };
}

function readEntry(
  list: ListOption,
  entry: unknown,
  at: {
    readonly label: string;
    readonly origin: string;
    readonly beside: Pick<Layer, 'values' | 'origin'> | undefined;
  },
  problems: Problem[],
): Read {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    const what = typeof entry === 'string' ? 'text' : show(entry);
    const reason = `must be a group of ${Object.keys(list.entry).join(', ')}, got ${what}`;
    problems.push({ key: at.label, reason, origin: at.origin });
    return { label: at.label, values: {}, written: {} };
  }
  const label = `${at.label}.`;
  const own = flatten(entry, list.entry, { prefix: label, origin: at.origin });
  problems.push(...own.problems);
  const layers = [...(at.beside ? [at.beside] : []), { values: own.values, origin: () => at.origin }];
  return readAll(list.entry, { ...fill(list.entry, layers), label }, problems);
}
