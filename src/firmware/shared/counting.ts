/**
 * What a question tells of the candidate that a device was offered. NGINX runs this as well: see version.ts for what njs
 * lacks.
 */
import type { Catalogue, Offer } from './catalogue.js';
import type { Device } from './device.js';
import * as devices from './device.js';
import type { Claim, Flight } from './flight.js';
import * as flights from './flights.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';
import type { Store } from './offering.js';
import * as returned from './returned.js';
import * as shadows from './shadow.js';

/** A device that asks, where the candidate of its type is counted. */
export interface Counted {
  memory: Memory;
  /** Of its flight. */
  key: string;
  now: number;
  asked: flights.Asked;
  flight: Flight | undefined;
}

/**
 * Counts what a device says; undefined where nothing of it is counted. `barred`: NGINX does not remember yet which devices
 * were in flight before its restart, and offers the candidate to none of them.
 */
export function question(
  store: Store,
  type: string,
  catalogue: Catalogue,
  device: Device,
): Counted | 'barred' | undefined {
  const memory = store.memory;
  const options = catalogue.options;
  const isCounted = options.count && catalogue.candidate !== undefined;
  if (memory === undefined || device.id === '' || (!isCounted && options.shadow === undefined))
    return undefined;
  const now = memories.timeOf(memory);
  if (now === undefined) return 'barred';
  if (options.shadow !== undefined) shadows.question(memory, type, options.shadow, device, now, store.digest);
  if (!isCounted) return undefined;
  const release = catalogue.candidate as Offer;
  const asked = {
    version: release.version,
    interval: options.interval,
    claim: claimOf(device, release),
  };
  if (options.clientId !== '') returned.setPattern(memory, type, options.clientId);
  const key = flights.flightKey(type, device.id);
  const flight = flights.question(memory, key, asked, now);
  return { memory: memory, key: key, now: now, asked: asked, flight: flight };
}

function claimOf(device: Device, candidate: Offer): Claim {
  if (devices.runs(device, candidate)) return 'candidate';
  return device.version === '' && !devices.saysHash(device) ? 'nothing' : 'other';
}

/** Whether the candidate has failed on the device so often that it is not offered it again. */
export function isBlocked(counted: Counted): boolean {
  return counted.flight !== undefined && counted.flight.state === 'blocked';
}

/**
 * Counts that a device is told of the candidate's file with this SHA-256. Returns the key of its flight; `''` where it is
 * not followed.
 */
export function offer(store: Store, counted: Counted, sha256: string): string {
  const isFollowed = flights.offer(
    counted.memory,
    counted.key,
    counted.asked,
    counted.flight,
    sha256,
    counted.now,
    store.digest,
  );
  return isFollowed ? counted.key : '';
}
