import { readJsonObject } from '../core/bounded-json.js';
import type { KeyPrefixes } from '../core/keys.js';
import { groupKey, rolloutKey } from './keys.js';
import type { ReleaseId } from './names.js';
import type { TypeState } from './type-state.js';
import type { TypeStatus } from './type-status.js';

/** What devices that listen to a broker are told of their type: that there is something to ask for. */
export interface Announcement {
  /** The newest release that any device is offered, as it was published. */
  readonly version: string;
  /** The etcd revision at which it was last decided who is offered what: a higher one is news although the version is the same. */
  readonly revision: number;
}

/** The topic of a type, which its devices subscribe to. */
export function topicOf(type: string): string {
  return `firmware/${type}`;
}

/** What is to be announced of each type, by name; nothing of a type whose devices are offered nothing. */
export function announcementsOf(
  prefixes: KeyPrefixes,
  types: Iterable<TypeState>,
  statuses: readonly TypeStatus[],
): ReadonlyMap<string, Announcement> {
  const offered = new Map(statuses.map((status) => [status.type, newestOffered(status)]));
  const announcements = new Map<string, Announcement>();
  for (const state of types) {
    const id = offered.get(state.type);
    const version = id === undefined ? undefined : state.releases.get(id)?.version;
    if (version === undefined) continue;
    announcements.set(state.type, { version, revision: decidedAt(prefixes, state) });
  }
  return announcements;
}

function newestOffered({ stable, candidate, offered }: TypeStatus): ReleaseId | undefined {
  return [candidate?.version, stable].find((id) => id !== undefined && offered.includes(id));
}

function decidedAt(prefixes: KeyPrefixes, { type, rollout, written }: TypeState): number {
  const groups = rollout?.candidate?.groups ?? [];
  const keys = [rolloutKey(prefixes, type), ...groups.map((group) => groupKey(prefixes, type, group))];
  return Math.max(...keys.map((key) => written.get(key) ?? 0));
}

/** The message of an announcement. @param spread Seconds over which devices are to spread their questions. */
export function encodeAnnouncement({ version, revision }: Announcement, spread: number): string {
  return JSON.stringify({ version, spread, revision });
}

/** Messages are short; whatever else a broker has under the topic is none. */
const BOUNDS = { length: 1000, depth: 2, items: 20 };

/** Reads a message, which is untrusted; undefined where it is no announcement. Never throws. */
export function decodeAnnouncement(text: string): Announcement | undefined {
  const message = readJsonObject(text, BOUNDS);
  if (!message.ok) return undefined;
  const { version, revision } = message.value;
  return typeof version === 'string' && Number.isSafeInteger(revision)
    ? { version, revision: revision as number }
    : undefined;
}
