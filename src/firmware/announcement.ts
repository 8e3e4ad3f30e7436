import { readJsonObject } from '../core/bounded-json.js';
import type { KeyPrefixes } from '../core/keys.js';
import { groupKey, rolloutKey } from './keys.js';
import type { ReleaseId } from './names.js';
import { type Slots, slotsFor } from './slots.js';
import { spreadOf } from './spread.js';
import type { TypeState } from './type-state.js';
import type { TypeStatus } from './type-status.js';

/** What devices that listen to a broker are told of their type: that there is something to ask for. */
export interface Announcement {
  /** The newest release that any device is offered, as it was published. */
  readonly version: string;
  /** The etcd revision at which it was last decided who is offered what: a higher one is news although the version is the same. */
  readonly revision: number;
  /** Seconds over which devices are to spread their questions. */
  readonly spread: number;
}

/** The topic of a type, which its devices subscribe to. */
export function topicOf(type: string): string {
  return `firmware/${type}`;
}

interface AnnouncementsInput {
  readonly prefixes: KeyPrefixes;
  readonly types: Iterable<TypeState>;
  readonly statuses: readonly TypeStatus[];
  /** What the firmware servers carry. */
  readonly slots: Slots;
  /** Seconds over which devices are to spread, whatever their number; left out: see `spreadOf`. */
  readonly spread?: number | undefined;
}

/** What is to be announced of each type, by name; nothing of a type whose devices are offered nothing. */
export function announcementsOf(input: AnnouncementsInput): ReadonlyMap<string, Announcement> {
  const statuses = new Map(input.statuses.map((status) => [status.type, status]));
  const announcements = new Map<string, Announcement>();
  for (const state of input.types) {
    const status = statuses.get(state.type);
    const id = status && newestOffered(status);
    const version = id === undefined ? undefined : state.releases.get(id)?.version;
    if (status === undefined || id === undefined || version === undefined) continue;
    const spread = input.spread ?? spreadOf(state, status, id, slotsFor(input.slots, state.type));
    announcements.set(state.type, { version, revision: decidedAt(input.prefixes, state), spread });
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

/** The message of an announcement. */
export function encodeAnnouncement({ version, spread, revision }: Announcement): string {
  return JSON.stringify({ version, spread, revision });
}

/** Messages are short; whatever else a broker has under the topic is none. */
const BOUNDS = { length: 1000, depth: 2, items: 20 };

/** Reads a message, which is untrusted; undefined where it is no announcement. Never throws. */
export function decodeAnnouncement(text: string): Announcement | undefined {
  const message = readJsonObject(text, BOUNDS);
  if (!message.ok) return undefined;
  const { version, revision, spread } = message.value;
  return typeof version === 'string' && Number.isSafeInteger(revision) && Number.isSafeInteger(spread)
    ? { version, revision: revision as number, spread: spread as number }
    : undefined;
}
