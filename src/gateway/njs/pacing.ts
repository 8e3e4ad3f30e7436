/**
 * Pacing: the API leaves half of each worker's time to other requests. It works in slices of about a millisecond, one at a
 * time in each worker, and rests after a slice for as long as the slice has taken. Calls get their turns in the order in which
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

/** Length of a slice, in ms. The last piece of work in it may exceed it. */
const SLICE = 1;
/** Maximum length of a rest, in ms. */
const MAX_REST = 20;
/** Time between two turns, in ms, unless the slice of the first one takes longer. */
const SPACING = 0.5;
/** Maximum time for which a call waits in the line, in ms. Calls beyond that share the turns at its end. */
const MAX_WAIT = 1000;

/** What a pacer needs of its worker. */
export interface Worker {
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

  /** Takes the next turn and returns the time until then, in ms. */
  function lineUp(): number {
    const now = worker.now();
    const free = counters.get(turnKey) || 0;
    const turn = Math.min(Math.max(now, free), now + MAX_WAIT);
    set(counters, turnKey, turn + SPACING);
    return turn - now;
  }

  /** The time until the end of the present rest, in ms. A rest that is too long is one from before the clock was set back. */
  function untilRested(): number {
    const left = (counters.get(restKey) || 0) - worker.now();
    return left > MAX_REST ? 0 : left;
  }

  function rest(): void {
    if (began === undefined) return;
    const now = worker.now();
    const took = Math.min(Math.max(0, now - began), MAX_REST);
    began = undefined;
    // Most slices take less than the clock's unit, and some of these seem to take a whole one: that is right on average.
    if (took === 0) return;
    set(counters, restKey, now + took);
    // Turns were given out for short slices: whoever lines up from now on comes later.
    set(counters, turnKey, (counters.get(turnKey) || 0) + 2 * took - SPACING);
  }

  async function turn(): Promise<void> {
    if (began !== undefined && !isOver(worker.now(), began, SLICE)) return;
    rest();
    let wait = Math.max(lineUp(), untilRested());
    while (wait > 0) {
      await worker.pause(wait);
      // Timers that are late fire together: of these calls, too, only one gets this turn.
      wait = untilRested();
    }
    began = worker.now();
  }

  return { turn: turn, rest: rest };
}
