import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import type { Resolved } from '../../../src/config/resolve.js';
import type { Lists, Schema, Scope } from '../../../src/config/schema.js';
import { UsageError } from '../../../src/core/errors.js';

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** Writes a file that is gone after the test; resolves to its path. */
export function fileWith(content: string | Buffer, name = 'sidekick.yaml'): string {
  const directory = mkdtempSync(join(tmpdir(), 'sidekick-test-'));
  directories.push(directory);
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

export interface Given {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
}

/** Loads a configuration from what is given. */
export function load<S extends Schema, L extends Lists>(
  scope: Scope<S, L>,
  { flags = {}, env = {}, file }: Given,
  files: 'own' | 'shared' | 'none' = 'own',
): Resolved<S, L> {
  const all = file === undefined ? flags : { ...flags, '--config': fileWith(file) };
  return loadConfig(scope, { flags: new Map(Object.entries(all)), env }, files);
}

/** The lines of the UsageError that `attempt` throws. */
export function complaints(attempt: () => unknown): readonly string[] {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const [first = '', ...rest] = error.message.split('\n');
    return rest.length > 0 ? rest.map((line) => line.trim()) : [first];
  }
  throw new Error('expected a UsageError');
}
