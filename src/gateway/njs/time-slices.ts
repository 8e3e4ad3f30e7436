/** Work of many steps in a worker that serves requests in between. */
import type { Reply } from '../api/dispatch.js';
import type { Pieces } from '../api/json-pieces.js';
import * as errors from '../model/errors.js';
import type { Step } from '../model/steps.js';

/** Longest time without a look at what else there is to do, ms; with the last step it may be half a millisecond more. */
const SLICE = 1;
/** Time between two tries to have the lock, ms. */
const RETRY = 5;
/** How often it is tried. */
const TRIES = 200;

/** Lets the worker do what else there is to do, for that long at least (ms). */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Whether a slice that began then is over. A clock that was set ends it too soon, which does no harm. */
function isOver(began: number, length: number): boolean {
  const elapsed = Date.now() - began;
  return elapsed < 0 || elapsed >= length;
}

/** Does all steps, in slices of `length` ms with as much time for others in between; false if it had to be given up. */
export async function runInSlices(step: Step, length: number, isLate: () => boolean): Promise<boolean> {
  let began = Date.now();
  while (!step()) {
    if (!isOver(began, length)) continue;
    if (isLate()) return false;
    await pause(length);
    began = Date.now();
  }
  return true;
}

/** Calls a function that may find the lock taken, again and again until it does not, or for about a second. */
async function persist<T>(call: () => T, isBusy: (result: T) => boolean): Promise<T> {
  for (let tries = 1; ; tries++) {
    const result = call();
    if (tries >= TRIES || !isBusy(result)) return result;
    await pause(RETRY);
  }
}

/** Does what a call asks for, with patience for the lock and for what its answer waits for: a second each. */
export async function complete(begin: () => Reply): Promise<{ status: number; text: string }> {
  const reply = await persist(begin, (found) => found.busy);
  await persist(reply.isReady, (ready) => !ready);
  return { status: reply.status, text: await join(reply.pieces) };
}

/** A piece, or nothing while another worker has the lock. */
function attempt(piece: () => string): string | undefined {
  try {
    return piece();
  } catch (thrown) {
    if (thrown !== errors.locked) throw thrown;
    return undefined;
  }
}

/** Puts a text together, with pauses. */
async function join(pieces: Pieces): Promise<string> {
  const parts: string[] = [];
  let began = Date.now();
  for (let i = 0; i < pieces.length; i++) {
    const part = await persist(
      () => attempt(pieces[i] as () => string),
      (found) => found === undefined,
    );
    if (part === undefined) throw errors.locked;
    parts.push(part);
    if (!isOver(began, SLICE)) continue;
    await pause(0);
    began = Date.now();
  }
  return parts.join('');
}
