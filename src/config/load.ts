import { readConfigFile } from './file.js';
import { fileLayer, flagLayer, type Layer, treeOf, variableLayer } from './layers.js';
import type { Problem } from './problem.js';
import { type Resolved, resolve } from './resolve.js';
import type { Lists, Schema, Scope } from './schema.js';
import { SCOPES } from './scopes.js';

/** Where a configuration comes from. */
export interface Sources {
  /** By their spelling, such as `--lease-ttl`. */
  readonly flags: ReadonlyMap<string, unknown>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The configuration file: `--config`, or else `SIDEKICK_CONFIG`. */
export function configFileOf({ flags, env }: Sources): string | undefined {
  const flag = flags.get('--config');
  return typeof flag === 'string' ? flag : env.SIDEKICK_CONFIG || undefined;
}

/**
 * Reads a command's configuration: flags before variables before the file before defaults.
 * Throws a UsageError that names every problem.
 * @param file `own`: every key in it has to be this command's. `shared`: keys of other commands are passed over, so that
 *   a daemon's file serves an operator's command too. `none`: this command reads no file.
 */
export function loadConfig<S extends Schema, L extends Lists>(
  scope: Scope<S, L>,
  sources: Sources,
  file: 'own' | 'shared' | 'none' = 'own',
): Resolved<S, L> {
  const layers: Layer[] = [];
  const problems: Problem[] = [];
  const path = file === 'none' ? undefined : configFileOf(sources);
  if (path !== undefined) {
    const elsewhere = file === 'shared' ? knownElsewhere() : new Set<string>();
    const read = fileLayer(scope, path, readConfigFile(path), elsewhere);
    layers.push(read.layer);
    problems.push(...read.problems);
  }
  layers.push(variableLayer(scope, sources.env), flagLayer(scope, sources.flags));
  return resolve(scope, layers, problems);
}

function knownElsewhere(): ReadonlySet<string> {
  const scopes: readonly Scope[] = Object.values(SCOPES);
  return new Set(scopes.flatMap((scope) => [...Object.keys(treeOf(scope)), ...Object.keys(scope.lists)]));
}
