/**
 * Whom a release would reach that nobody is offered: each device is counted once, with what it runs. NGINX runs this as
 * well: see version.ts for what njs lacks.
 */
import type { Shadow } from './catalogue.js';
import type { Digest } from './cohort.js';
import * as cohort from './cohort.js';
import type { Device } from './device.js';
import * as devices from './device.js';
import * as flights from './flights.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';
import * as outcomeCounts from './outcome-counts.js';
import * as versions from './version.js';

/** Versions that are told apart; all others are `other`. */
const MAX_VERSIONS = 20;

/** Followed by a type: the release that shadows it, as the periodic work has read it; `-` where there is none. */
const PRESENT = ' shadow of ';
const NOTHING = '-';

/** The key of a device that was counted, whose value is the version of the release and when the device asked. */
function shadowKey(type: string, id: string): string {
  return `${type}/shadow/${id}`;
}

/** Whether a key is of a device that a shadow has counted, and of no flight. */
export function isShadowKey(key: string): boolean {
  return key.indexOf('/') < key.lastIndexOf('/');
}

/** A device asks. Counts it where the release would reach it. */
export function question(
  memory: Memory,
  type: string,
  shadow: Shadow,
  device: Device,
  now: number,
  digest: Digest,
): void {
  if (cohort.bucketOf(shadow.salt, device.id, digest) >= shadow.buckets) return;
  if (device.version !== '' && devices.sameVersion(device.version, shadow.version)) return;
  const key = shadowKey(type, device.id);
  const mark = decode(memory.flights.get(key));
  const isCounted = mark.version === shadow.version;
  if (isCounted && now - mark.seen < flights.SEEN_INTERVAL) return;
  if (!isCounted && !(flights.hasRoom(memory) && flights.isSampled(memory, device.id, digest))) return;
  flights.exclusively(memory, key, now, () => {
    const before = memory.flights.get(key);
    memory.flights.set(key, `${shadow.version} ${now}`);
    if (before === undefined) flights.enqueue(memory, key);
    if (decode(before).version === shadow.version) return;
    outcomeCounts.countShadow(memory, type, shadow.version, runningOf(memory, type, shadow, device));
  });
}

/** What stands under a device's key: which release has counted it, and when it asked. */
interface Mark {
  version: string;
  seen: number;
}

function decode(text: string | undefined): Mark {
  const words = text === undefined ? [] : text.split(' ');
  return { version: words[0] || '', seen: Number(words[1]) };
}

/** Writes down which release shadows a type now; `''` for none. */
export function setPresent(memory: Memory, type: string, version: string): void {
  memory.flights.set(PRESENT + type, version || NOTHING);
}

/**
 * Looks at a device that was counted, and forgets it where its release is the shadow no longer. Returns whether it is
 * still remembered.
 */
export function keep(memory: Memory, key: string, isSampled: boolean, now: number): boolean {
  const mark = decode(memory.flights.get(key));
  if (mark.version === '') return false;
  const present = memory.flights.get(PRESENT + flights.typeOf(key));
  const isPresent = present === undefined || present === mark.version;
  if (isPresent && isSampled && now - mark.seen < memories.FORGET_AFTER) return true;
  if (memory.flights.delete(key)) memory.counts.incr(memories.FLIGHTS, -1);
  return false;
}

/** What is counted as the version that a device runs. What devices say is bounded, and in one spelling. */
function runningOf(memory: Memory, type: string, shadow: Shadow, device: Device): string {
  if (device.version === '') return 'unknown';
  const version = versions.parse(device.version);
  const running = version === undefined ? 'other' : versions.normal(version);
  if (running === 'other' || outcomeCounts.hasShadow(memory, type, shadow.version, running)) return running;
  const seen = memory.counts.incr(`${memories.SHADOW_VERSIONS} ${type} ${shadow.version}`, 1);
  return seen <= MAX_VERSIONS ? running : 'other';
}
