/** Key-value zones: what may be asked of them, and what it changes. */
import * as duration from '../model/duration.js';
import * as errors from '../model/errors.js';
import * as keyvalState from './keyval-state.js';
import type { Entry } from './keyval-zone.js';
import * as keyvalZone from './keyval-zone.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';

export { whenSaved } from './keyval-state.js';
export { configOf as declared, names } from './keyval-zone.js';

/** All live pairs of a zone. */
export function all(platform: Platform, zone: string): { [key: string]: Entry } {
  keyvalZone.configOf(platform, zone);
  keyvalState.load(platform);
  return keyvalZone.all(platform, zone);
}

/** One live value, or `undefined`. It takes one read of shared memory, so request handlers may use it. */
export function get(platform: Platform, zone: string, key: string): Entry | undefined {
  keyvalZone.configOf(platform, zone);
  keyvalState.load(platform);
  return keyvalZone.get(platform, zone, key);
}

/** Changes a zone alone among all workers; `edit` throws before it changes anything. */
function change(platform: Platform, zone: string, edit: () => void): void {
  keyvalZone.configOf(platform, zone);
  keyvalState.load(platform);
  lock.withLock(
    platform,
    () => {
      keyvalZone.sweep(platform, zone);
      edit();
      keyvalState.nextSequence(platform, zone);
    },
    'keyvals',
  );
}

/** When a value lapses: after its own `expire` (ms), else after the zone's timeout, else never. */
function expiry(platform: Platform, zone: string, expire: number | undefined): number {
  const timeout = keyvalZone.configOf(platform, zone).timeout;
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
    const existing = keyvalZone.all(platform, zone);
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
      keyvalZone.put(platform, zone, item.key, {
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
    const old = keyvalZone.get(platform, zone, item.key);
    if (old === undefined) throw errors.failure(404, 'KeyvalKeyNotFound', `key "${item.key}" not found`);
    if (item.value === undefined && item.expire === undefined) {
      keyvalZone.drop(platform, zone, [item.key]);
      return;
    }
    keyvalZone.put(platform, zone, item.key, {
      value: item.value === undefined ? old.value : item.value,
      expires: expiry(platform, zone, item.expire),
    });
  });
}

/** Empties a zone. */
export function clear(platform: Platform, zone: string): void {
  change(platform, zone, () => keyvalZone.drop(platform, zone, keyvalZone.keys(platform, zone)));
}
