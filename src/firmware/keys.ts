import type { KeyPrefixes } from '../core/keys.js';
import { err, ok, type Result } from '../core/result.js';
import { parseGroup, parseReleaseId, parseType, type ReleaseId } from './names.js';
import { parseEpoch } from './outcomes.js';

/**
 * Keys under `<control>firmware/<type>/`, by default `/sidekick/firmware/<type>/`. Images never go into etcd.
 */
export type FirmwareKey = { readonly type: string } & (
  | { readonly kind: 'type' }
  | { readonly kind: 'release'; readonly version: ReleaseId }
  | { readonly kind: 'rollout' }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'log'; readonly revision: number }
  | { readonly kind: 'outcomes'; readonly epoch: string }
);

/** Everything about every type. */
export function firmwareRoot(prefixes: KeyPrefixes): string {
  return `${prefixes.control}firmware/`;
}

/** Everything about one type. */
export function firmwarePrefix(prefixes: KeyPrefixes, type: string): string {
  return `${firmwareRoot(prefixes)}${type}/`;
}

/** What the type's devices are: see `FirmwareType`. */
export function typeKey(prefixes: KeyPrefixes, type: string): string {
  return `${firmwarePrefix(prefixes, type)}type`;
}

function releasesPrefix(prefixes: KeyPrefixes, type: string): string {
  return `${firmwarePrefix(prefixes, type)}releases/`;
}

/** One release; the key is created once and never changed. */
export function releaseKey(prefixes: KeyPrefixes, type: string, version: ReleaseId): string {
  return `${releasesPrefix(prefixes, type)}${version}`;
}

/** Who is offered what; changed by compare-and-swap alone. */
export function rolloutKey(prefixes: KeyPrefixes, type: string): string {
  return `${firmwarePrefix(prefixes, type)}rollout`;
}

function groupsPrefix(prefixes: KeyPrefixes, type: string): string {
  return `${firmwarePrefix(prefixes, type)}groups/`;
}

export function groupKey(prefixes: KeyPrefixes, type: string, group: string): string {
  return `${groupsPrefix(prefixes, type)}${group}`;
}

function logPrefix(prefixes: KeyPrefixes, type: string): string {
  return `${firmwarePrefix(prefixes, type)}log/`;
}

/**
 * What was done to a type, on the ground of what etcd held at this revision. Whoever makes a change creates this key in
 * the same transaction, and only if it does not exist: of two changes on the same ground one is made.
 * The revision has 16 digits, so that the keys' order is that of the changes.
 */
export function logKey(prefixes: KeyPrefixes, type: string, revision: number): string {
  return `${logPrefix(prefixes, type)}${String(revision).padStart(16, '0')}`;
}

function outcomesPrefix(prefixes: KeyPrefixes, type: string): string {
  return `${firmwarePrefix(prefixes, type)}outcomes/`;
}

/**
 * What one NGINX has counted since it was started. The key names the NGINX's life and not a watcher: several watchers that
 * read the same NGINX write the same counts, and nothing is counted twice.
 */
export function outcomesKey(prefixes: KeyPrefixes, type: string, epoch: string): string {
  return `${outcomesPrefix(prefixes, type)}${epoch}`;
}

/** Whether nothing but outcomes has changed: then devices are offered what they were offered before. */
export function areOutcomesAlone(prefixes: KeyPrefixes, changed: ReadonlySet<string>): boolean {
  return changed.size > 0 && [...changed].every((key) => isOutcomesKey(prefixes, key));
}

function isOutcomesKey(prefixes: KeyPrefixes, key: string): boolean {
  const parsed = parseFirmwareKey(prefixes, key);
  return parsed.ok && parsed.value.kind === 'outcomes';
}

const REVISION = /^\d{16}$/;

/** Reads a key under `firmwareRoot`. Keys are untrusted input. */
export function parseFirmwareKey(prefixes: KeyPrefixes, key: string): Result<FirmwareKey> {
  const root = firmwareRoot(prefixes);
  if (!key.startsWith(root)) return err(`key must begin with ${root}`);
  const [name, kind, last, ...more] = key.slice(root.length).split('/', 4);
  const type = parseType(name);
  if (!type.ok) return type;
  if (more.length === 0) {
    if (last === undefined) return parseSingle(type.value, kind);
    return parseMember(type.value, kind, last);
  }
  return err('key has too many parts');
}

function parseSingle(type: string, kind: string | undefined): Result<FirmwareKey> {
  if (kind === 'type' || kind === 'rollout') return ok({ type, kind });
  return err('key must name type, rollout, releases/…, groups/…, outcomes/… or log/…');
}

function parseMember(type: string, kind: string | undefined, last: string): Result<FirmwareKey> {
  switch (kind) {
    case 'releases':
      return map(parseReleaseId(last), (version) => ({ type, kind: 'release', version }));
    case 'groups':
      return map(parseGroup(last), (group) => ({ type, kind: 'group', group }));
    case 'log':
      return REVISION.test(last)
        ? ok({ type, kind: 'log', revision: Number(last) })
        : err('log must be followed by a revision of 16 digits');
    case 'outcomes':
      return map(parseEpoch(last), (epoch) => ({ type, kind: 'outcomes', epoch }));
    default:
      return parseSingle(type, undefined);
  }
}

function map<T, U>(result: Result<T>, to: (value: T) => U): Result<U> {
  return result.ok ? ok(to(result.value)) : result;
}
