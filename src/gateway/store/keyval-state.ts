/**
 * What outlives NGINX of the key-value zones: for each its state file, an object of keys with their values, in which expiry
 * is in ms since the epoch, since the platform's clock does not outlive the machine. A change is made in memory; the upkeep
 * writes the file a moment later, step by step and without the lock, and whoever asked for the change waits for that. A disk
 * that takes nothing holds up no change: the state is stale then, and written as soon as it can be.
 *
 *      ` keyval sequence/<zone>`  (a counter) number of the last change
 *      ` keyval saved/<zone>`     (a counter) number of the last change that the state file has
 *      ` keyval saves/<zone>`     (a counter) how often a state file was begun
 *      ` keyval due/<zone>`       (a counter) when the next may be begun, by the clock
 *      ` keyval stale/<zone>`     why the state on disk is not what it should be
 */
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import type { Entry } from './keyval-zone.js';
import * as keyvalZone from './keyval-zone.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';

const LOADED = ' loaded';

const SEQUENCE = ' keyval sequence/';
const SAVED = ' keyval saved/';
const SAVES = ' keyval saves/';
const DUE = ' keyval due/';
const STALE = ' keyval stale/';

function fileName(zone: string): string {
  return `keyval.${zone}`;
}

function counted(platform: Platform, key: string): number {
  return platform.counters.get(key) || 0;
}

/** Brings zones into memory after a start. */
export function load(platform: Platform): void {
  const all = keyvalZone.names(platform);
  const wanted = all.join(' ');
  if (platform.keyvals.get(LOADED) === wanted) return;
  // Before the lock: a slow disk holds up this worker alone.
  const texts = all.map((zone) => platform.read(fileName(zone)));
  lock.withLock(
    platform,
    () => {
      const known = platform.keyvals.get(LOADED);
      const had = known === undefined ? [] : known.split(' ');
      for (let i = 0; i < all.length; i++) {
        const zone = all[i] as string;
        platform.counters.add(SEQUENCE + zone, 0);
        if (had.indexOf(zone) < 0) restore(platform, zone, texts[i]);
      }
      platform.keyvals.set(LOADED, wanted);
    },
    'keyvals',
  );
}

/** A pair as a state file has it, which may have been written by anybody; `undefined` for what is none. */
function entryOf(pair: unknown): Entry | undefined {
  if (pair === null || typeof pair !== 'object') return undefined;
  const entry = pair as Partial<Entry>;
  const expires = entry.expires;
  if (typeof entry.value !== 'string' || typeof expires !== 'number') return undefined;
  return expires >= 0 && Number.isFinite(expires) ? { value: entry.value, expires: expires } : undefined;
}

/** A zone's state; one that cannot be read counts as none, so that the zone can be used again. */
function parse(text: string | undefined, reject: (what: string) => void): { [key: string]: unknown } {
  if (text === undefined) return {};
  try {
    const state: unknown = JSON.parse(text);
    if (state !== null && typeof state === 'object' && !Array.isArray(state))
      return state as { [key: string]: unknown };
    reject('its state: no object');
  } catch (thrown) {
    reject(`its state: ${String(thrown)}`);
  }
  return {};
}

function restore(platform: Platform, zone: string, text: string | undefined): void {
  const reject = (what: string) =>
    platform.warn(`${platform.kind} keyval zone "${zone}": ignored ${what.substring(0, 200)}`);
  const pairs = parse(text, reject);
  const keys = Object.keys(pairs);
  const by = platform.clock() - platform.now();
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const entry = key === '' ? undefined : entryOf(pairs[key]);
    if (entry === undefined) reject(`the key ${JSON.stringify(key)}`);
    else keyvalZone.put(platform, zone, key, shifted(entry, by));
  }
}

/** An entry whose expiry is by another clock. One whose time is over stays so: 0 would be never. */
function shifted(entry: Entry, by: number): Entry {
  return { value: entry.value, expires: entry.expires === 0 ? 0 : Math.max(1, entry.expires + by) };
}

/** Numbers a change. The caller has the lock. */
export function nextSequence(platform: Platform, zone: string): void {
  platform.counters.incr(SEQUENCE + zone, 1);
}

function isStale(platform: Platform, zone: string): boolean {
  return platform.tables.get(STALE + zone) !== undefined;
}

/**
 * Tells when the state file has what has changed by now, or is known not to take it; `undefined` where that is so at once.
 */
export function whenSaved(platform: Platform, zone: string): (() => boolean) | undefined {
  const change = counted(platform, SEQUENCE + zone);
  const isDone = () => counted(platform, SAVED + zone) >= change || isStale(platform, zone);
  return isDone() ? undefined : isDone;
}

/** Which zone was looked at last, counted on. */
const TURN = ' keyval turn';
/** Time between two tries to write a state file that cannot be written, ms. */
const RETRY = 1000;
/** How many times as long as it takes to write a state file nothing is written. */
const REST = 4;

function setStale(platform: Platform, zone: string, thrown: unknown): void {
  platform.counters.set(DUE + zone, platform.clock() + RETRY);
  if (isStale(platform, zone)) return;
  platform.warn(
    `${platform.kind} keyval zone "${zone}": its state cannot be written: ${String(thrown)}. Changes hold, but a restart of ` +
      'NGINX would begin with older values. It is tried again until it succeeds.',
  );
  try {
    platform.tables.set(STALE + zone, String(thrown));
  } catch {
    // Shared memory is full as well; it is tried again all the same, because the file lacks changes.
  }
}

/** Finds the next zone whose state file lacks a change, and begins to write it; `undefined` when there is none. */
export function nextWrite(platform: Platform): Step | undefined {
  const all = keyvalZone.names(platform);
  for (let i = 0; i < all.length; i++) {
    // In turn: a zone that changes all the time does not keep others waiting.
    const zone = all[platform.counters.incr(TURN, 1) % all.length] as string;
    if (counted(platform, SEQUENCE + zone) <= counted(platform, SAVED + zone)) continue;
    if (platform.clock() >= counted(platform, DUE + zone)) return writeState(platform, zone);
  }
  return undefined;
}

/** Pairs that a step formats. */
const PAIRS = 32;
/** Characters that are written at a time. */
const PART = 16_384;

/** Writes the state file of a zone, step by step. A change that is made meanwhile is written the next time. */
function writeState(platform: Platform, zone: string): Step {
  const began = platform.clock();
  const by = platform.now() - began;
  const sequence = counted(platform, SEQUENCE + zone);
  // A worker of another generation may be writing as well.
  const fresh = `${fileName(zone)}.new${platform.counters.incr(SAVES + zone, 1) % 2}`;
  let keys: string[] = [];
  let text = '{';
  let before = '';

  function flush(): void {
    platform.append(fresh, text);
    text = '';
  }

  function add(i: number): void {
    const key = keys[i] as string;
    const entry = keyvalZone.get(platform, zone, key);
    if (entry === undefined) return;
    text += `${before}${JSON.stringify(key)}:${JSON.stringify(shifted(entry, by))}`;
    before = ',\n';
    if (text.length > PART) flush();
  }

  function close(): void {
    text += '}';
    flush();
    if (counted(platform, SAVED + zone) > sequence) {
      // Another worker has been faster, and knows more.
      platform.remove(fresh);
      return;
    }
    platform.rename(fresh, fileName(zone));
    platform.counters.set(SAVED + zone, sequence);
    platform.counters.set(DUE + zone, platform.clock() + REST * (platform.clock() - began));
    if (platform.tables.delete(STALE + zone))
      platform.warn(`${platform.kind} keyval zone "${zone}": its state has been written again`);
  }

  const work = steps.sequence([
    steps.once(() => {
      // Left by a worker that died.
      platform.remove(fresh);
      keys = keyvalZone.keys(platform, zone);
    }),
    () => steps.each(keys.length, PAIRS, add),
    steps.once(close),
  ]);
  return () => {
    try {
      return work();
    } catch (thrown) {
      // Half a file takes up room that others need.
      platform.remove(fresh);
      setStale(platform, zone, thrown);
      return true;
    }
  };
}
