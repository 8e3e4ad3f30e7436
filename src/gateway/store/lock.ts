/**
 * Mutual exclusion of the workers' changes. What runs under the lock is synchronous and takes milliseconds, so
 * waiting is spinning. The owner's pid is the value: the lock of a worker that crashed is taken over.
 */

import * as errors from '../model/errors.js';
import type { Platform } from './platform.js';

const KEY = ' lock';
/** Longest wait, ms; no change takes that long. */
const PATIENCE = 5000;
/** Spins between two looks at whether the owner lives. */
const SPINS = 2000;

function acquire(platform: Platform): void {
  const deadline = platform.now() + PATIENCE;
  const me = `${platform.pid}`;
  for (;;) {
    for (let i = 0; i < SPINS; i++) if (platform.tables.add(KEY, me)) return;
    const owner = platform.tables.get(KEY);
    if (owner !== undefined && owner !== me && !platform.alive(Number(owner))) {
      platform.warn(`taking over the lock of worker ${owner}, which is gone`);
      platform.tables.delete(KEY);
    } else if (platform.now() > deadline) {
      throw errors.failure(500, 'InternalError', 'the configuration is locked');
    }
  }
}

/** Runs `change` alone among all workers and hands on its result. */
export function locked<T>(platform: Platform, change: () => T): T {
  acquire(platform);
  try {
    return change();
  } finally {
    platform.tables.delete(KEY);
  }
}
