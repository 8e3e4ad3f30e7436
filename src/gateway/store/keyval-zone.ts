/**
 * Key-value zones in shared memory. A value lies there as `<expiry>:<text>`; expiry is by the platform's clock in ms, 0 is
 * never.
 */

import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import type { KeyvalConfig, Platform } from './platform.js';
import * as platforms from './platform.js';

/** A value and when it lapses (0: never), by the clock. */
export interface Entry {
  value: string;
  expires: number;
}

export function names(platform: Platform): string[] {
  return platform.config.keyvals === undefined ? [] : Object.keys(platform.config.keyvals);
}

export function configOf(platform: Platform, zone: string): KeyvalConfig {
  const config = dict.get(platform.config.keyvals, zone);
  if (config === undefined) throw errors.failure(404, 'KeyvalNotFound', 'keyval not found');
  return config;
}

/** Zone names hold no space, so the first one ends the zone. */
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

export function put(platform: Platform, zone: string, key: string, entry: Entry): void {
  platform.keyvals.set(slot(zone, key), `${entry.expires}:${entry.value}`);
}

/** One live value, or `undefined`. It takes one read of shared memory. */
export function get(platform: Platform, zone: string, key: string): Entry | undefined {
  return decode(platform.keyvals.get(slot(zone, key)), platform.clock());
}

export function drop(platform: Platform, zone: string, keys: string[]): void {
  for (let i = 0; i < keys.length; i++) platform.keyvals.delete(slot(zone, keys[i] as string));
}

/** Keys of a zone, lapsed ones included. */
export function keys(platform: Platform, zone: string): string[] {
  const prefix = slot(zone, '');
  return platform.keyvals
    .keys(platforms.ALL)
    .filter((key) => key.indexOf(prefix) === 0)
    .map((key) => key.substring(prefix.length));
}

/** All live pairs of a zone. */
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

/** Frees the memory of lapsed keys. Under the lock, or it might take one that has just been added again. */
export function sweep(platform: Platform, zone: string): void {
  const now = platform.clock();
  const lapsed = keys(platform, zone).filter(
    (key) => decode(platform.keyvals.get(slot(zone, key)), now) === undefined,
  );
  drop(platform, zone, lapsed);
}
