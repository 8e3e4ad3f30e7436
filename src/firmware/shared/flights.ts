/**
 * The devices in flight of one NGINX. Each is changed by one worker at a time, so that an outcome is counted once. NGINX
 * runs this as well: see version.ts for what njs lacks.
 *
 * A change is written before it is counted: a worker that dies in between leaves out an outcome, and none is counted twice.
 */
import type { Digest } from './cohort.js';
import * as cohort from './cohort.js';
import type { Claim, Flight, Outcome } from './flight.js';
import * as records from './flight.js';
import * as journals from './journal.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';
import * as outcomeCounts from './outcome-counts.js';

/** The key of a device's flight. */
export function flightKey(type: string, id: string): string {
  return `${type}/${id}`;
}

/** The device of a flight's key. */
export function idOf(key: string): string {
  return key.substring(key.lastIndexOf('/') + 1);
}

/** A device's flight; undefined where it is not in flight. */
export function find(memory: Memory, key: string): Flight | undefined {
  const text = memory.flights.get(key);
  return text === undefined ? undefined : records.decode(text);
}

/** How often a worker tries to take a device, and for how long (s) another worker may keep it before it counts as dead. */
const TRIES = 200;
const DEAD_AFTER = 2;

/** Takes a device for this worker alone. Returns false where another worker keeps it. */
function take(memory: Memory, lock: string, now: number): boolean {
  for (let i = 0; i < TRIES; i++) if (memory.flights.add(lock, `${now}`)) return true;
  const since = Number(memory.flights.get(lock));
  if (now - since < DEAD_AFTER) return false;
  memory.flights.delete(lock);
  return memory.flights.add(lock, `${now}`);
}

/** Runs `body` while no other worker changes what belongs to a key. Where memory is full, nothing is done. */
export function exclusively(memory: Memory, key: string, now: number, body: () => void): void {
  const lock = `${key} lock`;
  try {
    if (!take(memory, lock, now)) return;
  } catch {
    return;
  }
  try {
    body();
  } catch {
    // There is no room for it.
  } finally {
    memory.flights.delete(lock);
  }
}

/**
 * Changes a device while no other worker does. `edit` gets its flight or undefined; it changes the flight in place, or
 * returns a new one, or none to end it; and says what is to be counted.
 */
export function change(memory: Memory, key: string, now: number, edit: Edit): void {
  exclusively(memory, key, now, () => apply(memory, key, now, edit));
}

/** What a change comes to: the flight as it is now, and what is counted of its version. */
interface Changed {
  flight: Flight | undefined;
  outcomes: Outcome[];
}

/** Makes a change; undefined to leave all as it is. */
type Edit = (flight: Flight | undefined) => Changed | undefined;

function apply(memory: Memory, key: string, now: number, edit: Edit): void {
  const before = find(memory, key);
  const changed = edit(before);
  if (changed === undefined) return;
  const flight = changed.flight;
  const text = flight === undefined || flight.state === 'booted' ? '' : records.encode(flight);
  if (text === '') {
    if (memory.flights.delete(key)) memory.counts.incr(memories.FLIGHTS, -1);
  } else {
    memory.flights.set(key, text);
    if (before === undefined) enqueue(memory, key);
  }
  const number = memory.counts.incr(memories.CHANGES, 1);
  const counted =
    flight === undefined ? '' : outcomeCounts.count(memory, typeOf(key), flight.version, changed.outcomes);
  const journal = memory.journal;
  if (journal !== undefined)
    journal(journals.changeLine({ number: number, at: now, key: key, text: text }) + counted);
}

/** A key that is new is looked at from now on: see sweep.ts. */
export function enqueue(memory: Memory, key: string): void {
  memory.counts.incr(memories.FLIGHTS, 1);
  memory.flights.set(memories.queueKey(memory.counts.incr(memories.TAIL, 1)), key);
}

/** The type of a flight's key. */
export function typeOf(key: string): string {
  return key.substring(0, key.indexOf('/'));
}

/** A device that says little new is written down once in this time (s). */
export const SEEN_INTERVAL = 3600;

/** A question, as far as flights need to know it. */
export interface Asked {
  /** The candidate of the device's type. */
  version: string;
  /** How often devices of the type ask, in seconds; 0 where nobody has said. */
  interval: number;
  claim: Claim;
}

/**
 * A device that may be in flight asks. Returns its flight as it is then; undefined where it is not in flight with this
 * candidate.
 */
export function question(memory: Memory, key: string, asked: Asked, now: number): Flight | undefined {
  const known = find(memory, key);
  if (known === undefined || known.version !== asked.version) return undefined;
  const state = known.state;
  const silent = now - known.seen;
  records.ask(known, asked.claim, now);
  // While it is offered something, the gaps between its questions count.
  const isNew = known.state !== state || (state === 'offered' && silent > 0);
  if (!isNew && silent < SEEN_INTERVAL) return known;
  let after: Flight | undefined = known;
  change(memory, key, now, (flight) => {
    after = flight !== undefined && flight.version === asked.version ? flight : undefined;
    if (after === undefined) return undefined;
    after.interval = asked.interval;
    return { outcomes: records.ask(after, asked.claim, now), flight: after };
  });
  return after;
}

/**
 * A device is told of the candidate's file, whose SHA-256 is `sha256`. Returns whether it is in flight: beyond the sample,
 * and beyond what there is room for, it is not.
 * @param known Its flight as {@link question} has returned it.
 */
export function offer(
  memory: Memory,
  key: string,
  asked: Asked,
  known: Flight | undefined,
  sha256: string,
  now: number,
  digest: Digest,
): boolean {
  const file = sha256.substring(0, records.FILE_DIGITS);
  if (known !== undefined && known.file === file) return true;
  if (known === undefined && !(hasRoom(memory) && isSampled(memory, idOf(key), digest))) return false;
  let isFollowed = false;
  change(memory, key, now, (flight) => {
    isFollowed = true;
    if (flight === undefined || flight.version !== asked.version)
      return { flight: begin(asked, file, now), outcomes: ['offered'] };
    flight.file = file;
    return { flight: flight, outcomes: [] };
  });
  return isFollowed;
}

function begin(asked: Asked, file: string, now: number): Flight {
  return {
    state: 'offered',
    version: asked.version,
    file: file,
    asked: now,
    gap: 0,
    seen: now,
    interval: asked.interval,
    says: asked.claim !== 'nothing',
  };
}

/** Whether one more device may be followed. */
export function hasRoom(memory: Memory): boolean {
  return memories.numberOf(memory, memories.FLIGHTS) < memories.numberOf(memory, memories.LIMIT);
}

/** Whether a device is in the sample. */
export function isSampled(memory: Memory, id: string, digest: Digest): boolean {
  const sample = memories.numberOf(memory, memories.SAMPLE);
  return sample <= 1 || cohort.hash(`sample:${id}`, digest) % sample === 0;
}

/** The last byte of a file went out to a device. `file` is the file's SHA-256. */
export function download(memory: Memory, key: string, file: string): void {
  const now = memories.timeOf(memory);
  const digits = file.substring(0, records.FILE_DIGITS);
  const known = now === undefined ? undefined : find(memory, key);
  if (now === undefined || known === undefined || known.file !== digits) return;
  change(memory, key, now, (flight) => {
    if (flight === undefined || flight.file !== digits) return undefined;
    return { outcomes: records.download(flight, now), flight: flight };
  });
}

/** A device's ClientId was seen on MQTT at `at`, by the clock of memory.ts, fractions of a second included. */
export function comeBack(memory: Memory, key: string, at: number): void {
  const known = find(memory, key);
  if (known === undefined || records.comeBack(known, at).length === 0) return;
  change(memory, key, Math.floor(at), (flight) =>
    flight === undefined ? undefined : { outcomes: records.comeBack(flight, at), flight: flight },
  );
}
