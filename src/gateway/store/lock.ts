/**
 * Mutual exclusion between the workers. What runs under the lock is synchronous, takes less than a millisecond and does no
 * file I/O. Waiting is spinning, for a short time: a worker that is stopped while it holds the lock must not stop the
 * others. The value of the lock is the owner's pid; the lock of a worker that has crashed is taken over.
 */
import * as errors from '../model/errors.js';
import type { Platform } from './platform.js';

/** What a lock protects: the upstream groups (the default) or the keyval zones of the http or the stream block. */
type LockName = 'upstreams' | 'keyvals';

/** Number of attempts, which in njs take two milliseconds. */
const SPINS = 2000;

/** Breaks the lock if its owner no longer runs. */
function breakStaleLock(platform: Platform, key: string): boolean {
  const owner = platform.tables.get(key);
  if (owner === undefined || owner === `${platform.pid}` || platform.alive(Number(owner))) return false;
  platform.warn(`taking over the lock of worker ${owner}, which no longer runs`);
  platform.tables.delete(key);
  return true;
}

function acquire(platform: Platform, key: string): boolean {
  const me = `${platform.pid}`;
  do {
    for (let i = 0; i < SPINS; i++) if (platform.tables.add(key, me)) return true;
  } while (breakStaleLock(platform, key));
  return false;
}

/** Runs `change` under the lock. Returns false, without running it, if another worker holds the lock. */
export function tryWithLock(platform: Platform, change: () => void, name?: LockName): boolean {
  const key = ` lock/${name === undefined ? 'upstreams' : name}`;
  if (!acquire(platform, key)) return false;
  try {
    change();
  } finally {
    platform.tables.delete(key);
  }
  return true;
}

/** Runs `change` under the lock and returns its result. Throws {@link errors.locked} if another worker holds the lock. */
export function withLock<T>(platform: Platform, change: () => T, name?: LockName): T {
  let result: T | undefined;
  const run = () => {
    result = change();
  };
  if (!tryWithLock(platform, run, name)) throw errors.locked;
  return result as T;
}
