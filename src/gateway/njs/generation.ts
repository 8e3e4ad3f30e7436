/**
 * Counts the loads of the configuration, because njs does not provide that. `gateway_load` is the last process id when the
 * configuration was read. Each of the configuration's njs VMs reads it anew, so the values of one load differ if another
 * process starts meanwhile, such as a health check. But they are all lower than the process ids of this load's workers, and
 * those of later loads are not.
 */
import type { Generation } from '../api/process-info.js';
import type { Platform } from '../store/platform.js';

/** The counter of loads. */
const NUMBER = ' generation';
/** Process ids between reading the configuration and starting workers, at most. With more, process ids have wrapped around. */
const MAX_DISTANCE = 1000;

/** Whether a value of `gateway_load` belongs to the same load as a worker of which nothing else is known. */
function isSameLoad(load: number, worker: number): boolean {
  return load < worker && worker - load <= MAX_DISTANCE;
}

/** Finds out to which load a value belongs that is seen for the first time. */
function classify(platform: Platform, load: number): void {
  const counters = platform.counters;
  const latest = counters.get(NUMBER) || 0;
  const worker = counters.get(` generation worker/${latest}`);
  // Without ns_last_pid the value is always 0, and all loads look the same.
  if (worker !== undefined && (load === 0 || isSameLoad(load, worker))) {
    counters.add(`${NUMBER}/${load}`, latest);
    return;
  }
  const next = latest + 1;
  // Of several workers that see a new load at once, one numbers it.
  if (!counters.add(` loaded/${next}`, platform.now())) return;
  counters.set(` generation worker/${next}`, platform.pid);
  counters.add(`${NUMBER}/${load}`, next);
  counters.incr(NUMBER, 1);
}

/**
 * The load of the configuration that this worker runs. `load` is the value of `gateway_load`; `loaded` is the time at which a
 * worker first saw this load.
 */
export function currentGeneration(platform: Platform, load: number): Generation {
  const counters = platform.counters;
  if (counters.get(`${NUMBER}/${load}`) === undefined) classify(platform, load);
  const number = counters.get(`${NUMBER}/${load}`) || counters.get(NUMBER) || 1;
  return { number: number, loaded: counters.get(` loaded/${number}`) || platform.now() };
}
