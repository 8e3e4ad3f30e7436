/** Long work in a worker that serves requests in between. */
import type { Reply } from '../api/dispatch.js';
import type { Pieces } from '../api/json-pieces.js';
import * as errors from '../model/errors.js';
import type { Step } from '../model/steps.js';

/** Maximum time without serving requests, in ms. The last step may exceed it by half a millisecond. */
const SLICE = 1;
/** Time between two attempts to get the lock, in ms. */
const RETRY_INTERVAL = 5;
/** Number of attempts. */
const ATTEMPTS = 200;

/** Serves other requests for so long, or longer (ms). */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Whether a slice is over. If the clock is set, a slice ends too early, which does no harm. */
function isOver(began: number, length: number): boolean {
  const elapsed = Date.now() - began;
  return elapsed < 0 || elapsed >= length;
}

/** Does all steps in slices of `length` ms, with pauses of the same length. Returns false if it stopped because of `isLate`. */
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

/** Repeats a call until its result is not busy, for about a second. Returns the last result. */
async function retry<T>(call: () => T, isBusy: (result: T) => boolean): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const result = call();
    if (attempt >= ATTEMPTS || !isBusy(result)) return result;
    await pause(RETRY_INTERVAL);
  }
}

/** Completes a response: waits for the lock, and for what the response has to wait for, about a second each. */
export async function complete(respond: () => Reply): Promise<{ status: number; text: string }> {
  const reply = await retry(respond, (found) => found.busy);
  await retry(reply.isReady, (ready) => !ready);
  return { status: reply.status, text: await join(reply.pieces) };
}

/** A piece; `undefined` while another worker holds the lock. */
function tryPiece(piece: () => string): string | undefined {
  try {
    return piece();
  } catch (thrown) {
    if (thrown !== errors.locked) throw thrown;
    return undefined;
  }
}

/** Joins the pieces of a text, with pauses. */
async function join(pieces: Pieces): Promise<string> {
  const parts: string[] = [];
  let began = Date.now();
  for (let i = 0; i < pieces.length; i++) {
    const part = await retry(
      () => tryPiece(pieces[i] as () => string),
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
