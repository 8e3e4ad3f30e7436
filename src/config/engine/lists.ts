import { err, ok, type Result } from '../../core/result.js';
import { flatten, type Layer } from './layers.js';
import type { Problem } from './problem.js';
import { RawConfig } from './raw-config.js';
import { type ReadEntry, readValues } from './read-values.js';
import { show } from './redact.js';
import { flagOf, type ListOption, optionsOf, variableOf } from './schema.js';
import { parseYaml } from './yaml.js';

type ValueLayer = Pick<Layer, 'values' | 'origin'>;

/**
 * The entries of a list: those of the last layer that has the list, or the one that the inline options are.
 * What is wrong is added to `problems`.
 * @param raw The scope's options, among them the inline options of the list.
 */
export function readEntries(
  name: string,
  list: ListOption,
  raw: RawConfig,
  layers: readonly Layer[],
  problems: Problem[],
): readonly ReadEntry[] {
  const layer = layers.findLast(({ lists }) => lists.has(name));
  const { inline } = list;
  const defaults = inline ? inlineLayer(list, inline.prefix, raw) : undefined;
  const isInline = inline !== undefined && raw.get(inline.inlineKey) !== null;
  if (!layer && inline && defaults && isInline) {
    return [readValues(list.entry, new RawConfig(list.entry, [defaults]), inline.prefix, problems)];
  }
  const origin = layer?.origin(name);
  const read = layer ? readList(layer.lists.get(name)) : ok([]);
  if (!read.ok) {
    const reason = `must be a list of groups of ${Object.keys(list.entry).join(', ')}: ${read.reason}`;
    problems.push({ key: name, reason, origin });
    return [];
  }
  const entries = read.value;
  if (isInline) {
    const reason = `cannot be given together with the list ${name} of ${origin}: give one of them`;
    problems.push({ key: inline.inlineKey, reason, origin: raw.origin(inline.inlineKey) });
  } else if (inline && entries.length === 0) {
    problems.push({ key: inline.inlineKey, reason: howToGive(inline.inlineKey, name), origin });
  }
  return entries.map((entry, index) =>
    readEntry(list, entry, { label: `${name}[${index}]`, origin: origin ?? '', defaults }, problems),
  );
}

function howToGive(key: string, list: string): string {
  return `is required: give ${flagOf(key)} or ${variableOf(key)}, or the list ${list} in a file`;
}

/** A list as a file holds it, or as the text of a flag or variable. Text is not shown: there may be secrets in it. */
function readList(value: unknown): Result<readonly unknown[]> {
  if (Array.isArray(value)) return ok(value);
  if (typeof value !== 'string') return err(`got ${show(value)}`);
  const parsed = parseYaml(value);
  if (!parsed.ok) return err(`the text is neither YAML nor JSON: ${parsed.reason}`);
  return Array.isArray(parsed.value) ? ok(parsed.value) : err('the text holds no list');
}

/** The inline options that are set, as the lowest layer of each entry. */
function inlineLayer(list: ListOption, prefix: string, raw: RawConfig): ValueLayer {
  const set = [...optionsOf(list.entry).keys()].filter((key) => raw.origin(`${prefix}${key}`) !== undefined);
  return {
    values: new Map(set.map((key) => [key, raw.get(`${prefix}${key}`)])),
    origin: (key) => raw.origin(`${prefix}${key}`) ?? '',
  };
}

function readEntry(
  list: ListOption,
  entry: unknown,
  at: { readonly label: string; readonly origin: string; readonly defaults: ValueLayer | undefined },
  problems: Problem[],
): ReadEntry {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    const what = typeof entry === 'string' ? 'text' : show(entry);
    const reason = `must be a group of ${Object.keys(list.entry).join(', ')}, got ${what}`;
    problems.push({ key: at.label, reason, origin: at.origin });
    return { label: at.label, values: {}, effective: {} };
  }
  const label = `${at.label}.`;
  const own = flatten(entry, list.entry, { prefix: label, origin: at.origin });
  problems.push(...own.problems);
  const layers = [...(at.defaults ? [at.defaults] : []), { values: own.values, origin: () => at.origin }];
  return readValues(list.entry, new RawConfig(list.entry, layers), label, problems);
}
