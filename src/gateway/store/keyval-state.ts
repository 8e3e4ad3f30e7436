/**
 * The saved state of keyval zones: a state file for each, a JSON object of keys with their values. Expiry times are in ms since
 * the epoch there, because the platform's `clock` does not survive a restart of the host. Whoever requested a change waits
 * until the file contains it. See state-file.ts for the rest.
 */
import type { Step } from '../model/steps.js';
import * as config from './config.js';
import type { Entry } from './keyval-zone.js';
import * as keyvalZone from './keyval-zone.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import type { Contents, StateFile } from './state-file.js';
import * as stateFile from './state-file.js';
import * as turns from './turns.js';

/** The key of the zones that were loaded into shared memory. */
const LOADED = ' loaded';

function fileName(zone: string): string {
  return `keyval.${zone}`;
}

function fileOf(platform: Platform, zone: string): StateFile {
  return { name: fileName(zone), owner: `${platform.kind} keyval zone "${zone}"`, contents: 'values' };
}

/** Loads the zones into shared memory after a start, and new ones after a reload. */
export function load(platform: Platform): void {
  const all = config.keyvalNames(platform.config);
  const wanted = all.join(' ');
  if (platform.keyvals.get(LOADED) === wanted) return;
  // Read before the lock is taken, so that a slow disk delays this worker alone.
  const texts = all.map((zone) => platform.read(fileName(zone)));
  lock.withLock(
    platform,
    () => {
      const loaded = platform.keyvals.get(LOADED);
      const had = loaded === undefined ? [] : loaded.split(' ');
      for (let i = 0; i < all.length; i++) {
        const zone = all[i] as string;
        stateFile.prepareSequence(platform, fileName(zone));
        if (had.indexOf(zone) < 0) restore(platform, zone, texts[i]);
      }
      platform.keyvals.set(LOADED, wanted);
    },
    'keyvals',
  );
}

/** A pair of a state file; `undefined` if it is invalid. */
function entryOf(pair: unknown): Entry | undefined {
  if (pair === null || typeof pair !== 'object') return undefined;
  const entry = pair as Partial<Entry>;
  const expires = entry.expires;
  if (typeof entry.value !== 'string' || typeof expires !== 'number') return undefined;
  return expires >= 0 && Number.isFinite(expires) ? { value: entry.value, expires: expires } : undefined;
}

/** The pairs of a state file. An invalid file counts as empty, so that the zone can be used again. */
function parse(text: string | undefined, reject: (what: string) => void): { [key: string]: unknown } {
  if (text === undefined) return {};
  try {
    const state: unknown = JSON.parse(text);
    if (state !== null && typeof state === 'object' && !Array.isArray(state))
      return state as { [key: string]: unknown };
    reject('its state: not an object');
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
  const offset = platform.clock() - platform.now();
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const entry = key === '' ? undefined : entryOf(pairs[key]);
    if (entry === undefined) reject(`the key ${JSON.stringify(key)}`);
    else keyvalZone.put(platform, zone, key, shifted(entry, offset));
  }
}

/** An entry with its expiry time by another clock. An expired entry stays expired, because 0 would mean never. */
function shifted(entry: Entry, offset: number): Entry {
  return { value: entry.value, expires: entry.expires === 0 ? 0 : Math.max(1, entry.expires + offset) };
}

/** Numbers a change. The caller holds the lock. */
export function nextSequence(platform: Platform, zone: string): void {
  stateFile.nextSequence(platform, fileName(zone));
}

/**
 * Tells when the state file contains all present changes, or is known to be stale; `undefined` if that is already so.
 */
export function whenSaved(platform: Platform, zone: string): (() => boolean) | undefined {
  const file = fileName(zone);
  const change = stateFile.sequenceOf(platform, file);
  const isDone = () =>
    stateFile.savedSequence(platform, file) >= change || stateFile.staleReason(platform, file) !== undefined;
  return isDone() ? undefined : isDone;
}

/** Pairs that a step formats. */
const PAIRS = 32;
/** A file is not written again before this multiple of the time that it took to write it. */
const PAUSE_FACTOR = 4;

function openState(platform: Platform, zone: string): Contents {
  const keys = keyvalZone.keys(platform, zone);
  const offset = platform.now() - platform.clock();
  let separator = '';
  return {
    sequence: stateFile.sequenceOf(platform, fileName(zone)),
    head: '{',
    tail: '}',
    parts: keys.length,
    partsPerStep: PAIRS,
    part: (i) => {
      const key = keys[i] as string;
      const entry = keyvalZone.get(platform, zone, key);
      if (entry === undefined) return '';
      const text = `${separator}${JSON.stringify(key)}:${JSON.stringify(shifted(entry, offset))}`;
      separator = ',\n';
      return text;
    },
    onSaved: () => {},
    pause: (took) => PAUSE_FACTOR * took,
  };
}

/** Starts to write the next state file that lacks a change; `undefined` if there is none. */
export function nextWrite(platform: Platform): Step | undefined {
  return turns.firstInTurn(platform, ' keyval turn', config.keyvalNames(platform.config), (zone) => {
    const file = fileOf(platform, zone);
    if (!stateFile.isBehind(platform, file.name) || !stateFile.isDue(platform, file.name)) return undefined;
    return stateFile.write(platform, file, () => openState(platform, zone));
  });
}
