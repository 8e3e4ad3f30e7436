/**
 * How many downloads this NGINX carries: at the limit one more device is told that there is nothing new, and comes back.
 * NGINX runs this as well: see version.ts for what njs lacks.
 *
 * A device that is given a manifest needs a moment until its download begins: until then it holds a promise, and of those
 * that are not kept a quarter lapses each second.
 */
import * as catalogues from './catalogue.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';
import type { Store } from './offering.js';

/** All downloads under way. */
const DOWNLOADS = ' downloads';
/** Followed by a worker's process id: those of this worker. */
const OF_WORKER = ' downloads of ';
/** Devices that were given a manifest, and have not begun. */
const PROMISES = ' promises';
/** What the downloads of all workers differed by from the sum of theirs, when they were last compared. */
const DRIFT = ' downloads drift';

/**
 * Whether one more device may be sent to fetch something.
 * @param isPassed Whether it may whatever the number of downloads.
 * @param willCome Whether its download begins with another request, so that it holds a promise until then.
 */
export function admit(store: Store, isPassed: boolean, willCome: boolean): boolean {
  const slots = store.get(catalogues.SLOTS_KEY);
  const memory = store.memory;
  if (slots === undefined || memory === undefined) return true;
  const promised = Math.max(0, memories.numberOf(memory, PROMISES));
  if (!isPassed && downloads(memory) + promised >= Number(slots)) return false;
  if (willCome) memory.counts.incr(PROMISES, 1);
  return true;
}

/** Downloads under way. */
export function downloads(memory: Memory): number {
  return Math.max(0, memories.numberOf(memory, DOWNLOADS));
}

/** A download begins in a worker. */
export function begin(memory: Memory, pid: number): void {
  memory.counts.incr(OF_WORKER + pid, 1);
  memory.counts.incr(DOWNLOADS, 1);
  if (memories.numberOf(memory, PROMISES) > 0) memory.counts.incr(PROMISES, -1);
}

/** A download of a worker ends. */
export function end(memory: Memory, pid: number): void {
  memory.counts.incr(OF_WORKER + pid, -1);
  memory.counts.incr(DOWNLOADS, -1);
}

/**
 * Called about once a second: lets promises lapse, and takes out the downloads of workers that crashed. While downloads
 * begin and end, the sum may differ for a moment: a difference counts if it stays.
 * @param isAlive Whether a worker with this process id runs.
 */
export function repair(memory: Memory, isAlive: (pid: number) => boolean): void {
  const counts = memory.counts;
  const promises = memories.numberOf(memory, PROMISES);
  if (promises > 0) counts.incr(PROMISES, -Math.ceil(promises / 4));
  let sum = 0;
  const items = counts.items(memories.ALL);
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    if (item[0].indexOf(OF_WORKER) !== 0) continue;
    if (isAlive(Number(item[0].substring(OF_WORKER.length)))) sum += item[1];
    else counts.delete(item[0]);
  }
  const drift = memories.numberOf(memory, DOWNLOADS) - sum;
  if (drift !== 0 && drift === memories.numberOf(memory, DRIFT)) counts.incr(DOWNLOADS, -drift);
  counts.set(DRIFT, drift);
}
