/**
 * Key-value zones. A value lies in shared memory as `<expiry>:<text>`; expiry is by the platform's clock in ms, 0 is never.
 * In a state file it is in ms since the epoch, since that clock does not outlive the machine.
 */
import * as duration from '../model/duration.js';
import * as errors from '../model/errors.js';
import * as own from '../model/own.js';
import * as lock from './lock.js';
import type { KeyvalConfig, Platform } from './platform.js';
import * as platforms from './platform.js';

/** A value to store and when it lapses (0: never), by the clock or, in a state file, since the epoch. */
export interface Entry {
  value: string;
  expires: number;
}

type Zone = { [key: string]: Entry };

const LOADED = ' loaded';

export function names(platform: Platform): string[] {
  return platform.config.keyvals === undefined ? [] : Object.keys(platform.config.keyvals);
}

export function declared(platform: Platform, zone: string): KeyvalConfig {
  const config = own.get(platform.config.keyvals, zone);
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

function keep(platform: Platform, zone: string, key: string, entry: Entry): void {
  platform.keyvals.set(slot(zone, key), `${entry.expires}:${entry.value}`);
}

function fileName(zone: string): string {
  return `keyval.${zone}`;
}

/** Brings zones into memory after a start. */
export function load(platform: Platform): void {
  const wanted = names(platform).join(' ');
  if (platform.keyvals.get(LOADED) === wanted) return;
  lock.locked(
    platform,
    () => {
      const known = platform.keyvals.get(LOADED);
      const had = known === undefined ? [] : known.split(' ');
      const all = names(platform);
      for (let i = 0; i < all.length; i++)
        if (had.indexOf(all[i] as string) < 0) restore(platform, all[i] as string);
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
function remembered(
  platform: Platform,
  zone: string,
  reject: (what: string) => void,
): { [key: string]: unknown } {
  const text = platform.read(fileName(zone));
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

function restore(platform: Platform, zone: string): void {
  const reject = (what: string) =>
    platform.warn(`${platform.kind} keyval zone "${zone}": ignored ${what.substring(0, 200)}`);
  const pairs = remembered(platform, zone, reject);
  const keys = Object.keys(pairs);
  const by = platform.clock() - platform.now();
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const entry = key === '' ? undefined : entryOf(pairs[key]);
    if (entry === undefined) reject(`the key ${JSON.stringify(key)}`);
    else keep(platform, zone, key, shifted(entry, by));
  }
}

/** An entry whose expiry is by another clock. One whose time is over stays so: 0 would be never. */
function shifted(entry: Entry, by: number): Entry {
  return { value: entry.value, expires: entry.expires === 0 ? 0 : Math.max(1, entry.expires + by) };
}

/** All live pairs of a zone as its state file has them. */
function stateOf(platform: Platform, zone: string): Zone {
  const entries = all(platform, zone);
  const by = platform.now() - platform.clock();
  const keys = Object.keys(entries);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    entries[key] = shifted(entries[key] as Entry, by);
  }
  return entries;
}

/** Keys of a zone, lapsed ones included. */
function keysOf(platform: Platform, zone: string): string[] {
  const prefix = slot(zone, '');
  return platform.keyvals
    .keys(platforms.ALL)
    .filter((key) => key.indexOf(prefix) === 0)
    .map((key) => key.substring(prefix.length));
}

/** All live pairs of a zone. */
export function all(platform: Platform, zone: string): Zone {
  declared(platform, zone);
  load(platform);
  const found: Zone = own.empty();
  const now = platform.clock();
  const keys = keysOf(platform, zone);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const entry = decode(platform.keyvals.get(slot(zone, key)), now);
    if (entry !== undefined) found[key] = entry;
  }
  return found;
}

/** Frees the memory of lapsed keys. Under the lock, or it might take one that has just been added again. */
function sweep(platform: Platform, zone: string): void {
  const now = platform.clock();
  drop(
    platform,
    zone,
    keysOf(platform, zone).filter((key) => decode(platform.keyvals.get(slot(zone, key)), now) === undefined),
  );
}

/** One live value, or `undefined`. It takes one read of shared memory, so request handlers may use it. */
export function get(platform: Platform, zone: string, key: string): Entry | undefined {
  declared(platform, zone);
  load(platform);
  return decode(platform.keyvals.get(slot(zone, key)), platform.clock());
}

/** Changes a zone alone among all workers; `edit` throws before it changes anything. */
function change(platform: Platform, zone: string, edit: () => void): void {
  declared(platform, zone);
  load(platform);
  lock.locked(
    platform,
    () => {
      sweep(platform, zone);
      edit();
      platform.write(fileName(zone), JSON.stringify(stateOf(platform, zone)));
    },
    'keyvals',
  );
}

/** When a value lapses: after its own `expire` (ms), else after the zone's timeout, else never. */
function expiry(platform: Platform, zone: string, expire: number | undefined): number {
  const timeout = declared(platform, zone).timeout;
  if (expire !== undefined && timeout === undefined)
    throw errors.failure(400, 'KeyvalFormatError', 'keyval timeout is not enabled');
  if (expire !== undefined) return platform.clock() + expire;
  return timeout === undefined ? 0 : platform.clock() + duration.parse(timeout);
}

function format(text: string): never {
  throw errors.failure(400, 'KeyvalFormatError', text);
}

/** The text of a value; numbers and booleans become strings as in NGINX Plus. */
function scalar(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  return format('invalid value');
}

function expireOf(value: unknown): number {
  const text = typeof value === 'number' || typeof value === 'string' ? `${value}` : '';
  if (!/^\d{1,15}$/.test(text)) return format('invalid "expire" value');
  return Number(text);
}

/** What a body says of one key: a value, an expiry, or both; both absent asks for deletion. */
export interface Change {
  key: string;
  value?: string;
  expire?: number;
}

function parseOne(key: string, value: unknown): Change {
  if (value === null) return { key: key };
  if (typeof value !== 'object') return { key: key, value: scalar(value) };
  const names = Object.keys(value as object);
  const parsed: Change = { key: key };
  for (let i = 0; i < names.length; i++) {
    const inner = (value as { [name: string]: unknown })[names[i] as string];
    if (names[i] === 'value') parsed.value = scalar(inner);
    else if (names[i] === 'expire') parsed.expire = expireOf(inner);
    else return format('invalid key format');
  }
  return names.length === 0 ? format('invalid key format') : parsed;
}

/** Most keys of one request: all workers wait for it. */
const MOST_KEYS = 1000;
/** Longest key, in characters. */
const LONGEST_KEY = 1024;

/** Reads a body of POST or PATCH. */
export function parse(body: unknown): Change[] {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return format('invalid JSON');
  const keys = Object.keys(body);
  if (keys.length === 0) return format('key required');
  if (keys.length > MOST_KEYS)
    throw errors.failure(413, 'RequestEntityTooLarge', `at most ${MOST_KEYS} keys in one request`);
  return keys.map((key) =>
    key === '' || key.length > LONGEST_KEY
      ? format(key === '' ? 'key required' : 'too long key')
      : parseOne(key, (body as { [key: string]: unknown })[key]),
  );
}

/** Adds keys: one, or several while the zone is empty. */
export function add(platform: Platform, zone: string, changes: Change[]): void {
  change(platform, zone, () => {
    const existing = all(platform, zone);
    if (changes.length > 1 && Object.keys(existing).length > 0) format('only one key can be added');
    for (let i = 0; i < changes.length; i++) {
      const item = changes[i] as Change;
      if (item.value === undefined) format('invalid key format');
      if (existing[item.key] !== undefined)
        throw errors.failure(409, 'KeyvalKeyExists', `key "${item.key}" already exists`);
      expiry(platform, zone, item.expire);
    }
    for (let i = 0; i < changes.length; i++) {
      const item = changes[i] as Change;
      keep(platform, zone, item.key, {
        value: item.value as string,
        expires: expiry(platform, zone, item.expire),
      });
    }
  });
}

/** Changes the value or the expiry of one key, or deletes it. */
export function patch(platform: Platform, zone: string, changes: Change[]): void {
  if (changes.length > 1) format('only one key can be updated');
  const item = changes[0] as Change;
  change(platform, zone, () => {
    const old = decode(platform.keyvals.get(slot(zone, item.key)), platform.clock());
    if (old === undefined) throw errors.failure(404, 'KeyvalKeyNotFound', `key "${item.key}" not found`);
    if (item.value === undefined && item.expire === undefined) {
      platform.keyvals.delete(slot(zone, item.key));
      return;
    }
    keep(platform, zone, item.key, {
      value: item.value === undefined ? old.value : item.value,
      expires: expiry(platform, zone, item.expire),
    });
  });
}

function drop(platform: Platform, zone: string, keys: string[]): void {
  for (let i = 0; i < keys.length; i++) platform.keyvals.delete(slot(zone, keys[i] as string));
}

/** Empties a zone. */
export function clear(platform: Platform, zone: string): void {
  change(platform, zone, () => drop(platform, zone, Object.keys(all(platform, zone))));
}
