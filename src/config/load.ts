import { readConfigFile } from './engine/file.js';
import { fileLayer, flagLayer, type Layer, variableLayer } from './engine/layers.js';
import type { Problem } from './engine/problem.js';
import { type Resolved, resolve } from './engine/resolve.js';
import { type Lists, type Schema, type Scope, treeOf } from './engine/schema.js';
import { SCOPES } from './scopes.js';

/** Where a configuration comes from. */
export interface Sources {
  /** By their spelling, such as `--lease-ttl`. */
  readonly flags: ReadonlyMap<string, unknown>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * What a command does with the configuration file. `strict`: every key must be an option of the command. `lenient`: keys
 * of other commands are ignored, so that an operator's command can use the file of a daemon. `none`: it reads no file.
 */
export type FileMode = 'strict' | 'lenient' | 'none';

/** The configuration file: `--config`, or else `SIDEKICK_CONFIG`. */
function configFileOf({ flags, env }: Sources): string | undefined {
  const flag = flags.get('--config');
  return typeof flag === 'string' ? flag : env.SIDEKICK_CONFIG || undefined;
}

/**
 * Reads a command's configuration. A flag goes before a variable, a variable before the file, the file before a default.
 * Throws a UsageError that names every problem.
 */
export function loadConfig<S extends Schema, L extends Lists>(
  scope: Scope<S, L>,
  sources: Sources,
  file: FileMode = 'strict',
): Resolved<S, L> {
  const layers: Layer[] = [];
  const problems: Problem[] = [];
  const path = file === 'none' ? undefined : configFileOf(sources);
  if (path !== undefined) {
    const ignored = file === 'lenient' ? keysOfAllCommands() : new Set<string>();
    const read = fileLayer(scope, path, readConfigFile(path), ignored);
    layers.push(read.layer);
    problems.push(...read.problems);
  }
  layers.push(variableLayer(scope, sources.env), flagLayer(scope, sources.flags));
  return resolve(scope, layers, problems);
}

function keysOfAllCommands(): ReadonlySet<string> {
  const scopes: readonly Scope[] = Object.values(SCOPES);
  return new Set(scopes.flatMap((scope) => [...Object.keys(treeOf(scope)), ...Object.keys(scope.lists)]));
}
