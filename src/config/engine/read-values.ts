import type { Problem } from './problem.js';
import type { RawConfig } from './raw-config.js';
import { HIDDEN } from './redact.js';
import { optionsOf, type Schema } from './schema.js';

/** Nested keys and values. */
export type Tree = Record<string, unknown>;

/** The values of a schema. */
export interface Entry<T> {
  /** Goes before the keys in a message: `services[1].`, or less for options outside the list. */
  readonly label: string;
  readonly values: T;
}

/** The same, with what a printed configuration shows. */
export interface ReadEntry extends Entry<Tree> {
  readonly effective: Tree;
}

/** Reads every option of a schema, which may be a part of the one that `raw` has. What is wrong is added to `problems`. */
export function readValues(schema: Schema, raw: RawConfig, label: string, problems: Problem[]): ReadEntry {
  const values: Tree = {};
  const effective: Tree = {};
  const results = raw.validate();
  for (const [key, option] of optionsOf(schema)) {
    const path = key.split('.');
    const written = raw.get(key);
    const result = results.get(key);
    if (result && !result.ok)
      problems.push({ key: `${label}${key}`, reason: result.reason, origin: raw.origin(key) });
    setPath(values, path, result?.ok ? result.value : undefined);
    if (written !== null && !option.onlyForRun)
      setPath(effective, path, option.sensitive ? HIDDEN : option.printed(written));
  }
  return { label, values, effective };
}

function setPath(tree: Tree, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  tree[name] ??= {};
  setPath(tree[name] as Tree, rest, value);
}
