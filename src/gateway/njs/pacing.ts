/**
 * Pacing: the API leaves half of each worker's time to other requests. It works in slices of one or two milliseconds, one at
 * a time in each worker, and rests after a slice for as long as the slice has taken. Calls get their turns in the order in which
 * they have lined up. A call that does not fit into one slice lines up again for the next one.
 *
 * njs gives each call its own interpreter, so what the calls have to know of each other is in shared memory. A waiting call
 * holds nothing that others need: if its client leaves, its turn passes unused.
 *
 *      ` api turn/<worker>`   (a counter) the earliest turn that is free
 *      ` api rest/<worker>`   (a counter) when the API's rest ends
 *
 * The times are in ms since the epoch, because njs has no monotonic clock that is precise enough. If the clock is set back,
 * calls wait up to {@link MAX_WAIT} once.
 */
import type { NumberDict } from '../store/platform.js';

/** Length of a slice, in ms. By a clock that ticks each millisecond it is half of one less, and its last piece of work may exceed it. */
const SLICE = 2;
/** What a slice counts at most, in ms: a worker that the host has stopped for a while has not worked all that time. */
const MAX_SLICE = 20;
/** Maximum length of a rest, in ms. */
const MAX_REST = MAX_SLICE + 1;
/** Time between two turns, in ms, unless the slice of the first one takes longer. */
const SPACING = 0.5;
/** Maximum time for which a call waits in the line, in ms. Calls beyond that share the turns at its end. */
const MAX_WAIT = 1000;

/** What a pacer needs of its worker. */
interface Worker {
  /** The worker's number: 0 to the number of workers - 1. */
  id: number;
  counters: NumberDict;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Serves other requests for so long, or longer (ms, at least 1). */
  pause(ms: number): Promise<void>;
}

/** Paces one call. */
export interface Pacer {
  /** Waits for a turn. If the call has one, and its slice is not over, it goes on at once. */
  turn(): Promise<void>;
  /** Ends the call's slice. Call it before each wait, and when the call is done. */
  rest(): void;
}

/** Whether a period of `length` ms is over. If the clock is set, it ends early, which does no harm. */
export function isOver(now: number, began: number, length: number): boolean {
  const elapsed = now - began;
  return elapsed < 0 || elapsed >= length;
}

/** Sets a counter. Without memory for it the API works unpaced: it must not refuse to take a server out. */
function set(counters: NumberDict, key: string, value: number): void {
  try {
    counters.set(key, value);
  } catch {
    // Shared memory is full.
  }
}

/** Creates the pacer of a call. */
export function createPacer(worker: Worker): Pacer {
  const turnKey = ` api turn/${worker.id}`;
  const restKey = ` api rest/${worker.id}`;
  const counters = worker.counters;
  /** When this call's slice began; `undefined` outside of it. */
  let began: number | undefined;

  /** Takes the earliest turn that is free. */
  function lineUp(): number {
    const now = worker.now();
    const free = counters.get(turnKey) || 0;
    const own = Math.min(Math.max(now, free), now + MAX_WAIT);
    set(counters, turnKey, own + SPACING);
    return own;
  }

  /** The time until a turn has come and the present rest has ended, in ms. A time that is too far off is from another clock. */
  function waitFor(own: number): number {
    const now = worker.now();
    const untilTurn = own - now;
    const untilRested = (counters.get(restKey) || 0) - now;
    return Math.max(untilTurn > MAX_WAIT ? 0 : untilTurn, untilRested > MAX_REST ? 0 : untilRested);
  }

  function rest(): void {
    if (began === undefined) return;
    const now = worker.now();
    const took = Math.min(Math.max(0, now - began), MAX_SLICE);
    began = undefined;
    // Most slices take less than the clock's unit. Those in which it ticks rest for all of them.
    if (took === 0) return;
    // The clock may tick as soon as the rest has begun.
    const length = took + 1;
    set(counters, restKey, now + length);
    // Turns were given out for short slices: whoever lines up from now on comes later.
    set(counters, turnKey, (counters.get(turnKey) || 0) + took + length - SPACING);
  }

  async function turn(): Promise<void> {
    if (began !== undefined && !isOver(worker.now(), began, SLICE)) return;
    rest();
    const own = lineUp();
    // Timers that are late fire together: only one of these calls works, and the others wait until it has rested.
    for (let wait = waitFor(own); wait > 0; wait = waitFor(own)) await worker.pause(wait);
    began = worker.now();
  }

  return { turn: turn, rest: rest };
}
