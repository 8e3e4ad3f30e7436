/**
 * Mutual exclusion of the workers' changes. What runs under the lock is synchronous, takes less than a millisecond and
 * leaves files alone, so waiting is spinning, and not for long: a worker that stands still while it has the lock must not
 * stop the others. The owner's pid is the value: the lock of a worker that crashed is taken over.
 */

import * as errors from '../model/errors.js';
import type { Platform } from './platform.js';

/** What is locked: the upstream groups (where nothing is said) or the keyval zones of one half of NGINX. */
export type Name = 'upstreams' | 'keyvals';

/** How often it is tried to have the lock, which in njs takes two milliseconds. */
const SPINS = 2000;

/** Whether the owner of a lock is gone; then there is no lock any more. */
function takeOver(platform: Platform, key: string): boolean {
  const owner = platform.tables.get(key);
  if (owner === undefined || owner === `${platform.pid}` || platform.alive(Number(owner))) return false;
  platform.warn(`taking over the lock of worker ${owner}, which is gone`);
  platform.tables.delete(key);
  return true;
}

function acquire(platform: Platform, key: string): boolean {
  const me = `${platform.pid}`;
  do {
    for (let i = 0; i < SPINS; i++) if (platform.tables.add(key, me)) return true;
  } while (takeOver(platform, key));
  return false;
}

/** Runs `change` alone among all workers, if it can be had now, and says whether it was. */
export function tryWithLock(platform: Platform, change: () => void, name?: Name): boolean {
  const key = ` lock/${name === undefined ? 'upstreams' : name}`;
  if (!acquire(platform, key)) return false;
  try {
    change();
  } finally {
    platform.tables.delete(key);
  }
  return true;
}

/** Runs `change` alone among all workers and hands on its result. Throws {@link errors.locked} when another has the lock. */
export function withLock<T>(platform: Platform, change: () => T, name?: Name): T {
  let result: T | undefined;
  const run = () => {
    result = change();
  };
  if (!tryWithLock(platform, run, name)) throw errors.locked;
  return result as T;
}
