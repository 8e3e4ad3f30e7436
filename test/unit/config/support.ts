import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { Resolved } from '../../../src/config/engine/resolve.js';
import type { Lists, Schema, Scope } from '../../../src/config/engine/schema.js';
import { type FileMode, loadConfig } from '../../../src/config/load.js';
import { type RegisterSettings, registerScope, registerSettings } from '../../../src/config/register.js';
import { type WatchSettings, watchScope, watchSettings } from '../../../src/config/watch.js';
import type { Address } from '../../../src/core/address.js';
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

interface Given {
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
}

/** Loads a configuration from what is given. */
export function load<S extends Schema, L extends Lists>(
  scope: Scope<S, L>,
  { flags = {}, env = {}, file }: Given,
  files: FileMode = 'strict',
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

export const ADDRESS = '10.0.0.11:8080' as Address;

/** The flags that `sidekick register` needs. */
export const ONE = { '--service': 'firmware', '--address': ADDRESS };

/** The flags that `sidekick watch` needs. */
export const API = { '--nginx-api': 'http://lb:8080/api' };

/** The settings of `sidekick register` with these flags beside `ONE`. */
export function register(flags: Record<string, unknown>, env: Record<string, string> = {}): RegisterSettings {
  return registerSettings(load(registerScope, { flags: { ...ONE, ...flags } }), env);
}

/** The settings of `sidekick watch` with these flags. */
export function watch(flags: Record<string, unknown>, file?: string): WatchSettings {
  return watchSettings(load(watchScope, { flags, ...(file === undefined ? {} : { file }) }), {});
}
