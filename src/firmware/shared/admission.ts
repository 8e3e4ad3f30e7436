/**
 * How many downloads this NGINX carries: at the limit one more device is told that there is nothing new, and comes back.
 * NGINX runs this as well: see version.ts for what njs lacks.
 *
 * There is a limit for all firmware servers together, and one for those of each region that has any: files for the devices of
 * that region come from these. Files for all other devices come from all servers alike, those of regions included.
 *
 * A device that is given a manifest needs a moment until its download begins: until then it holds a promise. Each second a
 * quarter of the promises that are not kept lapses.
 */
import * as catalogues from './catalogue.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';
import type { Store } from './offering.js';
import * as regions from './region.js';

/** Followed by a scope: the downloads under way. */
const DOWNLOADS = ' downloads';
/** Followed by what {@link begin} returns: those of one worker. */
const OF_WORKER = ' downloads of ';
/** Followed by a scope: devices that were given a manifest, and have not begun. */
const PROMISES = ' promises';
/** Followed by a scope: what its downloads differed by from the sum of all workers', when they were last compared. */
const DRIFT = ' downloads drift';

/** The scope of all downloads. Each is also in the scope of its carrier: `@eu`, or `@` where all servers carry it. */
const ALL = '';
const MARK = '@';

/** The region whose servers carry what a device of this region fetches; `''` where all servers do. */
export function carrierOf(store: Store, region: string): string {
  const hasServers = regions.isRegion(region) && store.get(catalogues.regionSlotsKey(region)) !== undefined;
  return hasServers ? region : '';
}

/**
 * Whether one more device may be sent to fetch something.
 * @param region The device's; `''` for none.
 * @param isPassed Whether it may whatever the number of downloads.
 * @param willCome Whether its download begins with another request, so that it holds a promise until then.
 */
export function admit(store: Store, region: string, isPassed: boolean, willCome: boolean): boolean {
  const slots = store.get(catalogues.SLOTS_KEY);
  const memory = store.memory;
  if (slots === undefined || memory === undefined) return true;
  const carrier = carrierOf(store, region);
  if (!isPassed && !hasRoom(store, memory, Number(slots), carrier)) return false;
  if (willCome) add(memory, PROMISES, carrier, 1);
  return true;
}

function hasRoom(store: Store, memory: Memory, all: number, carrier: string): boolean {
  if (used(memory, ALL) >= all) return false;
  if (carrier === '') return true;
  const own = Number(store.get(catalogues.regionSlotsKey(carrier)));
  // This region's servers carry a share of what all servers carry.
  return used(memory, MARK + carrier) + (used(memory, MARK) * own) / all < own;
}

/** Downloads that are under way or promised. */
function used(memory: Memory, scope: string): number {
  return number(memory, DOWNLOADS + scope) + number(memory, PROMISES + scope);
}

/** Downloads under way. */
export function downloads(memory: Memory): number {
  return number(memory, DOWNLOADS + ALL);
}

/** At least 0: a number may be negative for a moment. */
function number(memory: Memory, key: string): number {
  return Math.max(0, memories.numberOf(memory, key));
}

function add(memory: Memory, kind: string, carrier: string, by: number): void {
  memory.counts.incr(kind + ALL, by);
  memory.counts.incr(kind + MARK + carrier, by);
}

/** A download begins in the worker with this process id. Returns what {@link end} takes. */
export function begin(memory: Memory, pid: number, carrier: string): string {
  const begun = `${pid}${MARK}${carrier}`;
  memory.counts.incr(OF_WORKER + begun, 1);
  add(memory, DOWNLOADS, carrier, 1);
  if (number(memory, PROMISES + MARK + carrier) > 0) add(memory, PROMISES, carrier, -1);
  return begun;
}

/** A download ends. */
export function end(memory: Memory, begun: string): void {
  memory.counts.incr(OF_WORKER + begun, -1);
  add(memory, DOWNLOADS, begun.substring(begun.indexOf(MARK) + 1), -1);
}

/**
 * Called about once a second: lets promises lapse, and takes out the downloads of workers that crashed. While downloads
 * begin and end, a number may differ from the sum for a moment: a difference counts if it stays.
 * @param isAlive Whether a worker with this process id runs.
 */
export function repair(memory: Memory, isAlive: (pid: number) => boolean): void {
  const items = memory.counts.items(memories.ALL);
  const sums: { [scope: string]: number } = { '': 0 };
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    const key = item[0];
    if (key.indexOf(PROMISES + MARK) === 0) lapse(memory, key.substring(PROMISES.length + 1), item[1]);
    else if (key.indexOf(DOWNLOADS + MARK) === 0) addTo(sums, key.substring(DOWNLOADS.length), 0);
    else if (key.indexOf(OF_WORKER) === 0) sumUp(memory, sums, item, isAlive);
  }
  const scopes = Object.keys(sums);
  for (let i = 0; i < scopes.length; i++)
    correct(memory, scopes[i] as string, sums[scopes[i] as string] as number);
}

function lapse(memory: Memory, carrier: string, promises: number): void {
  if (promises > 0) add(memory, PROMISES, carrier, -Math.ceil(promises / 4));
}

/** Adds the downloads of a worker, or forgets them where it does not run. */
function sumUp(
  memory: Memory,
  sums: { [scope: string]: number },
  item: [key: string, downloads: number],
  isAlive: (pid: number) => boolean,
): void {
  const begun = item[0].substring(OF_WORKER.length);
  const at = begun.indexOf(MARK);
  if (isAlive(Number(begun.substring(0, at)))) addTo(sums, begun.substring(at), item[1]);
  else memory.counts.delete(item[0]);
}

function addTo(sums: { [scope: string]: number }, scope: string, count: number): void {
  sums[scope] = (sums[scope] || 0) + count;
  sums[ALL] = (sums[ALL] as number) + count;
}

/** Sets the downloads of a scope right if they differ from this sum as they did before. */
function correct(memory: Memory, scope: string, sum: number): void {
  const counts = memory.counts;
  const drift = memories.numberOf(memory, DOWNLOADS + scope) - sum;
  if (drift !== 0 && drift === memories.numberOf(memory, DRIFT + scope))
    counts.incr(DOWNLOADS + scope, -drift);
  counts.set(DRIFT + scope, drift);
}
