/** Counts the loads of the configuration. njs does not provide that, but each load has its own `gateway_load`. */
import type { Generation } from '../api/process-info.js';
import type { Platform } from '../store/platform.js';

/** The load of the configuration that this worker runs. `loaded` is the time at which a worker first saw it. */
export function currentGeneration(platform: Platform): Generation {
  const counters = platform.counters;
  const number = ` generation/${gateway_load}`;
  const loaded = ` loaded/${gateway_load}`;
  // Whoever sees it first numbers it. Loads do not overlap, so no other load is numbered at the same time.
  if (counters.get(number) === undefined && counters.add(loaded, platform.now()))
    counters.add(number, counters.incr(' generation', 1));
  return {
    number: counters.get(number) || counters.get(' generation') || 1,
    loaded: counters.get(loaded) || platform.now(),
  };
}
