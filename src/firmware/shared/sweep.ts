/**
 * The periodic work on devices in flight: it finds those that are lost, forgets those of which nothing is seen any more,
 * and halves the sample where there are too many. NGINX runs this as well: see version.ts for what njs lacks.
 *
 * Every device in flight has an entry in a queue. A pass takes entries from its head and puts those that stay behind its
 * tail, so that no pass has to know all keys.
 */
import type { Digest } from './cohort.js';
import * as records from './flight.js';
import * as flights from './flights.js';
import type { Memory } from './memory.js';
import * as memories from './memory.js';
import * as shadows from './shadow.js';

/** What the periodic work needs to know. */
interface Conditions {
  digest: Digest;
  /** Whether the memory is three quarters full. */
  isFull: boolean;
}

/** The sample is halved once the devices in flight reach this share of those that may be followed. */
const FULL = 0.75;
/** The sample may be halved again once the sweep has passed this entry of the queue. */
const HALVED_AT = ' halved at';

/**
 * Advances the clock, by 5 s at most with each call, so that it stands still while nobody can ask. `elapsed` is
 * the time since the last call, in seconds.
 */
export function advance(memory: Memory, elapsed: number): void {
  memory.counts.incr(memories.NOW, Math.min(Math.max(0, elapsed), 5));
}

/** Looks at the next `entries` of the queue, and at each of its entries once at most. */
export function sweep(memory: Memory, conditions: Conditions, entries: number): void {
  const counts = memory.counts;
  const now = memories.timeOf(memory) || 0;
  fitSample(memory, conditions);
  const end = memories.numberOf(memory, memories.TAIL);
  let head = memories.numberOf(memory, memories.HEAD);
  for (let i = 0; i < entries && head < end; i++) {
    head++;
    const entry = memories.queueKey(head);
    const key = memory.flights.get(entry);
    if (key !== undefined && look(memory, conditions, key, now)) requeue(memory, key, entry);
    memory.flights.delete(entry);
    counts.set(memories.HEAD, head);
  }
}

/** Puts a key behind the tail, before its entry is removed: a worker that dies in between leaves it there twice. */
function requeue(memory: Memory, key: string, entry: string): void {
  const fresh = memories.queueKey(memory.counts.incr(memories.TAIL, 1));
  try {
    memory.flights.set(fresh, key);
  } catch {
    // The memory is full: the entry makes room for itself.
    memory.flights.delete(entry);
    memory.flights.set(fresh, key);
  }
}

/** Follows fewer devices where there are too many, and all of them again once there are none. */
function fitSample(memory: Memory, conditions: Conditions): void {
  const counts = memory.counts;
  const count = memories.numberOf(memory, memories.FLIGHTS);
  const sample = memories.numberOf(memory, memories.SAMPLE) || 1;
  if (count <= 0 && sample > 1) counts.set(memories.SAMPLE, 1);
  const isCrowded = conditions.isFull || count >= FULL * memories.numberOf(memory, memories.LIMIT);
  if (!isCrowded || memories.numberOf(memory, memories.HEAD) < memories.numberOf(memory, HALVED_AT)) return;
  counts.set(memories.SAMPLE, sample * 2);
  counts.set(HALVED_AT, memories.numberOf(memory, memories.TAIL));
}

/** Looks at a device. Returns whether it stays in the queue. */
function look(memory: Memory, conditions: Conditions, key: string, now: number): boolean {
  const isSampled = flights.isSampled(memory, flights.idOf(key), conditions.digest);
  if (shadows.isShadowKey(key)) return shadows.keep(memory, key, isSampled, now);
  const flight = flights.find(memory, key);
  if (flight === undefined) return false;
  const isOver = !isSampled || now - flight.seen >= memories.FORGET_AFTER;
  if (!isOver && records.check(flight, now).length === 0) return true;
  flights.change(memory, key, now, (found) => {
    if (found === undefined || found.seen > flight.seen) return undefined;
    if (isOver) return { flight: undefined, outcomes: [] };
    return { outcomes: records.check(found, now), flight: found };
  });
  return memory.flights.get(key) !== undefined;
}
