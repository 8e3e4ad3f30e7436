/** Reads and changes keyval zones. A change is atomic over all workers. */
import * as duration from '../model/duration.js';
import * as errors from '../model/errors.js';
import * as config from './config.js';
import * as keyvalState from './keyval-state.js';
import type { Entry } from './keyval-zone.js';
import * as keyvalZone from './keyval-zone.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';

/** Makes sure that a zone is declared, and in memory. */
function prepare(platform: Platform, zone: string): void {
  config.keyvalConfig(platform.config, zone);
  keyvalState.load(platform);
}

/** All pairs of a zone that have not expired. */
export function all(platform: Platform, zone: string): { [key: string]: Entry } {
  prepare(platform, zone);
  return keyvalZone.all(platform, zone);
}

/** A value; `undefined` if the key does not exist or has expired. It takes a single read of shared memory. */
export function get(platform: Platform, zone: string, key: string): Entry | undefined {
  prepare(platform, zone);
  return keyvalZone.get(platform, zone, key);
}

/** Changes a zone under the lock. `edit` must throw before it changes anything, or not at all. */
function change(platform: Platform, zone: string, edit: () => void): void {
  prepare(platform, zone);
  lock.withLock(
    platform,
    () => {
      keyvalZone.deleteExpired(platform, zone);
      edit();
      keyvalState.nextSequence(platform, zone);
    },
    'keyvals',
  );
}

/** A requested change of a key: its value, its expiry in ms from now, or both. With neither, the key is to be deleted. */
export interface KeyChange {
  key: string;
  value?: string;
  expire?: number;
}

/** When a value expires: after its own `expire`, else after the zone's timeout, else never. */
function expiryOf(platform: Platform, zone: string, expire: number | undefined): number {
  const timeout = config.keyvalConfig(platform.config, zone).timeout;
  if (expire !== undefined && timeout === undefined)
    throw errors.refusal('KeyvalFormatError', 'keyval timeout is not enabled');
  if (expire !== undefined) return platform.clock() + expire;
  return timeout === undefined ? 0 : platform.clock() + duration.parse(timeout);
}

/** Adds one key, or several if the zone is empty. */
export function add(platform: Platform, zone: string, changes: KeyChange[]): void {
  change(platform, zone, () => {
    const existing = keyvalZone.all(platform, zone);
    if (changes.length > 1 && Object.keys(existing).length > 0)
      throw errors.refusal('KeyvalFormatError', 'only one key can be added');
    for (let i = 0; i < changes.length; i++) {
      const item = changes[i] as KeyChange;
      if (item.value === undefined) throw errors.refusal('KeyvalFormatError', 'invalid key format');
      if (existing[item.key] !== undefined)
        throw errors.refusal('KeyvalKeyExists', `key "${item.key}" already exists`);
      expiryOf(platform, zone, item.expire);
    }
    for (let i = 0; i < changes.length; i++) {
      const item = changes[i] as KeyChange;
      keyvalZone.put(platform, zone, item.key, {
        value: item.value as string,
        expires: expiryOf(platform, zone, item.expire),
      });
    }
  });
}

/** Changes the value or the expiry time of one key, or deletes it. */
export function patch(platform: Platform, zone: string, changes: KeyChange[]): void {
  if (changes.length > 1) throw errors.refusal('KeyvalFormatError', 'only one key can be updated');
  const item = changes[0] as KeyChange;
  change(platform, zone, () => {
    const old = keyvalZone.get(platform, zone, item.key);
    if (old === undefined) throw errors.refusal('KeyvalKeyNotFound', `key "${item.key}" not found`);
    if (item.value === undefined && item.expire === undefined) {
      keyvalZone.drop(platform, zone, [item.key]);
      return;
    }
    keyvalZone.put(platform, zone, item.key, {
      value: item.value === undefined ? old.value : item.value,
      expires: expiryOf(platform, zone, item.expire),
    });
  });
}

/** Deletes all keys of a zone. */
export function clear(platform: Platform, zone: string): void {
  change(platform, zone, () => keyvalZone.drop(platform, zone, keyvalZone.keys(platform, zone)));
}
