/** Long work in a worker that serves requests in between. */
import type { Reply } from '../api/dispatch.js';
import type { Pieces } from '../api/json-pieces.js';
import * as errors from '../model/errors.js';
import type { Step } from '../model/steps.js';
import type { Pacer } from './pacing.js';
import * as pacing from './pacing.js';

/** Minimum length of a pause, in ms. NGINX runs a timer of 0 ms that a timer has set before it reads any request. */
const MIN_PAUSE = 1;
/** Time between two attempts to get the lock, in ms. */
const RETRY_INTERVAL = 5;
/** How long a call waits for the lock, and for what its response has to wait for, in ms. */
const PATIENCE = 1000;

/** Characters that are written at a time, or more. */
const BUFFER = 16_384;

/** Serves other requests for so long, or longer (ms, at least 1). */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(MIN_PAUSE, Math.ceil(ms)));
  });
}

/** Does all steps in slices of `length` ms, with pauses. Returns false if it stopped because of `isLate`. */
export async function runInSlices(step: Step, length: number, isLate: () => boolean): Promise<boolean> {
  let began = Date.now();
  while (!step()) {
    if (!pacing.isOver(Date.now(), began, length)) continue;
    if (isLate()) return false;
    await pause(MIN_PAUSE);
    began = Date.now();
  }
  return true;
}

/** Repeats a call until its result is not busy, or {@link PATIENCE} ends. Returns the last result. The caller has a turn. */
async function retry<T>(pacer: Pacer, call: () => T, isBusy: (result: T) => boolean): Promise<T> {
  const began = Date.now();
  for (;;) {
    const result = call();
    if (!isBusy(result) || pacing.isOver(Date.now(), began, PATIENCE)) return result;
    pacer.rest();
    await pause(RETRY_INTERVAL);
    await pacer.turn();
  }
}

/** Waits until a response may be sent, or {@link PATIENCE} ends. */
async function untilReady(pacer: Pacer, isReady: () => boolean): Promise<void> {
  const began = Date.now();
  while (!isReady() && !pacing.isOver(Date.now(), began, PATIENCE)) {
    pacer.rest();
    await pause(RETRY_INTERVAL);
  }
}

/** Makes a response: waits for the lock, and for what the response has to wait for. The caller ends the last slice. */
export async function respond(pacer: Pacer, call: () => Reply): Promise<Reply> {
  await pacer.turn();
  const reply = await retry(pacer, call, (found) => found.busy);
  await untilReady(pacer, reply.isReady);
  return reply;
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

/**
 * Writes the text of a response, some pieces at a time. The first piece belongs to the present slice, so that a short response
 * takes a single turn. The caller ends the last slice.
 */
export async function write(pacer: Pacer, pieces: Pieces, sink: (text: string) => void): Promise<void> {
  let text = '';
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as () => string;
    if (i > 0) await pacer.turn();
    const part = await retry(
      pacer,
      () => tryPiece(piece),
      (found) => found === undefined,
    );
    if (part === undefined) throw errors.locked;
    text += part;
    if (text.length < BUFFER) continue;
    sink(text);
    text = '';
  }
  if (text !== '') sink(text);
}
