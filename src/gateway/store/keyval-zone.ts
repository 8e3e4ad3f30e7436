/**
 * Keyval zones in shared memory, under `<zone> <key>`. A value is stored as `<expiry>:<text>`. The expiry time is by the
 * platform's `clock` in ms; 0 means never.
 */

import * as dict from '../model/dict.js';
import type { Platform, StringDict } from './platform.js';
import * as platforms from './platform.js';

/** A value and its expiry time, by `clock`; 0 means never. */
export interface Entry {
  value: string;
  expires: number;
}

/** A zone name contains no space, so the first space ends it. */
function slot(zone: string, key: string): string {
  return `${zone} ${key}`;
}

function decode(text: string | undefined, now: number): Entry | undefined {
  if (text === undefined) return undefined;
  const colon = text.indexOf(':');
  const expires = Number(text.substring(0, colon));
  if (expires !== 0 && expires <= now) return undefined;
  return { value: text.substring(colon + 1), expires: expires };
}

/** Sets a value. */
export function put(platform: Platform, zone: string, key: string, entry: Entry): void {
  platform.keyvals.set(slot(zone, key), `${entry.expires}:${entry.value}`);
}

/** A value; `undefined` if the key does not exist or has expired. */
export function get(platform: Platform, zone: string, key: string): Entry | undefined {
  return decode(platform.keyvals.get(slot(zone, key)), platform.clock());
}

/** A value of a zone without a timeout; `undefined` if the key does not exist. It reads no clock, so requests may use it. */
export function getLasting(keyvals: StringDict, zone: string, key: string): string | undefined {
  const entry = decode(keyvals.get(slot(zone, key)), 0);
  return entry === undefined ? undefined : entry.value;
}

/** Deletes keys. */
export function drop(platform: Platform, zone: string, keys: string[]): void {
  for (let i = 0; i < keys.length; i++) platform.keyvals.delete(slot(zone, keys[i] as string));
}

/** The keys of a zone, including expired ones. */
export function keys(platform: Platform, zone: string): string[] {
  const prefix = slot(zone, '');
  return platform.keyvals
    .keys(platforms.ALL)
    .filter((key) => key.indexOf(prefix) === 0)
    .map((key) => key.substring(prefix.length));
}

/** All pairs of a zone that have not expired. */
export function all(platform: Platform, zone: string): { [key: string]: Entry } {
  const found = dict.create<Entry>();
  const now = platform.clock();
  const list = keys(platform, zone);
  for (let i = 0; i < list.length; i++) {
    const key = list[i] as string;
    const entry = decode(platform.keyvals.get(slot(zone, key)), now);
    if (entry !== undefined) found[key] = entry;
  }
  return found;
}

/** Deletes expired keys. The caller holds the lock, because a key might be added again at the same time. */
export function deleteExpired(platform: Platform, zone: string): void {
  const now = platform.clock();
  const expired = keys(platform, zone).filter(
    (key) => decode(platform.keyvals.get(slot(zone, key)), now) === undefined,
  );
  drop(platform, zone, expired);
}
