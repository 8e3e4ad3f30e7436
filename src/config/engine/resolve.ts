import type { Layer } from './layers.js';
import { readEntries } from './lists.js';
import { type Problem, refuseProblems } from './problem.js';
import { RawConfig } from './raw-config.js';
import { type Entry, readValues, type Tree } from './read-values.js';
import { type Lists, type Schema, type Scope, treeOf, type Values } from './schema.js';

/** A valid configuration. */
export interface Resolved<S extends Schema, L extends Lists> {
  readonly values: Values<S>;
  readonly lists: { readonly [K in keyof L]: readonly Entry<Values<L[K]['entry']>>[] };
  /** The same as a file would say it, with defaults, and with sensitive values hidden. */
  readonly effective: Tree;
}

/**
 * Lays the layers over the defaults, each over those before it, and reads the result.
 * Throws a UsageError that names every problem.
 * @param found Problems that were found while the layers were read.
 */
export function resolve<S extends Schema, L extends Lists>(
  scope: Scope<S, L>,
  layers: readonly Layer[],
  found: readonly Problem[] = [],
): Resolved<S, L> {
  const problems: Problem[] = [...found];
  const raw = new RawConfig(treeOf(scope), layers);
  const { values, effective } = readValues(scope.options, raw, '', problems);
  const lists: Record<string, readonly Entry<Tree>[]> = {};
  for (const [name, list] of Object.entries(scope.lists)) {
    const entries = readEntries(name, list, raw, layers, problems);
    lists[name] = entries;
    if (entries.length > 0) effective[name] = entries.map((entry) => entry.effective);
  }
  refuseProblems(problems);
  return { values: values as Values<S>, lists: lists as Resolved<S, L>['lists'], effective };
}
