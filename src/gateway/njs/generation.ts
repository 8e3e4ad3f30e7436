/** Counts loads of the configuration, which njs does not tell: each brings its own `gateway_load`. */
import * as lock from '../store/lock.js';
import type { Platform } from '../store/platform.js';

/** Which load of the configuration this worker runs, from 1, and when it was first seen (ms since the epoch). */
export interface Generation {
  number: number;
  loaded: number;
}

function known(platform: Platform): Generation | undefined {
  const text = platform.tables.get(` generation/${gateway_load}`);
  return text === undefined ? undefined : JSON.parse(text);
}

export function current(platform: Platform): Generation {
  const found = known(platform);
  if (found !== undefined) return found;
  return lock.locked(platform, () => {
    const meanwhile = known(platform);
    if (meanwhile !== undefined) return meanwhile;
    const fresh = { number: platform.counters.incr(' generation', 1), loaded: platform.now() };
    platform.tables.set(` generation/${gateway_load}`, JSON.stringify(fresh));
    return fresh;
  });
}
