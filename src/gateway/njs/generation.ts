/** Counts loads of the configuration, which njs does not tell: each brings its own `gateway_load`. */
import type { Platform } from '../store/platform.js';

/** Which load of the configuration this worker runs, from 1, and when it was first seen (ms since the epoch). */
export interface Generation {
  number: number;
  loaded: number;
}

export function currentGeneration(platform: Platform): Generation {
  const counters = platform.counters;
  const number = ` generation/${gateway_load}`;
  const loaded = ` loaded/${gateway_load}`;
  // The first to see it numbers it. Loads follow one another, so nobody else counts on at the same time.
  if (counters.get(number) === undefined && counters.add(loaded, platform.now()))
    counters.add(number, counters.incr(' generation', 1));
  return {
    number: counters.get(number) || counters.get(' generation') || 1,
    loaded: counters.get(loaded) || platform.now(),
  };
}
