import { isTimeout, withTimeout } from '../async/abort.js';
import { formatDuration } from '../config/engine/duration.js';
import { messageOf, SidekickError } from '../core/errors.js';
import { say } from './say.js';

/** How often it is said that a command still waits, in ms. */
const REPEAT = 10_000;

export interface Waiting {
  readonly out: NodeJS.WritableStream;
  /** How long at most, in ms. */
  readonly timeout: number;
  /** What is waited for now, to follow "waiting for". */
  readonly what: () => string;
  /** What holds all the same when the waiting ends early; one sentence. */
  readonly otherwise?: string;
  /** For tests, in ms; default 10 s. */
  readonly repeat?: number;
}

/**
 * Waits for something that may take long: says again and again what for, ends at the time limit, and says what stands
 * where the user does not wait for the end.
 */
export async function waiting<T>(
  { out, timeout, what, otherwise, repeat = REPEAT }: Waiting,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const began = performance.now();
  const timer = setInterval(() => {
    const elapsed = formatDuration(Math.round((performance.now() - began) / 1000) * 1000);
    say(out, `still waiting for ${what()} (${elapsed} of ${formatDuration(timeout)})`);
  }, repeat);
  const tail = otherwise === undefined ? '' : `\n${otherwise}`;
  try {
    return await withTimeout(timeout, signal, work);
  } catch (error) {
    if (signal.aborted) throw new SidekickError('INTERRUPTED', `${messageOf(signal.reason)}${tail}`, true);
    if (!isTimeout(error)) throw error;
    const text = `not done within ${formatDuration(timeout)} (--timeout): still waiting for ${what()}`;
    throw new SidekickError('TIMEOUT', `${text}${tail}`, true);
  } finally {
    clearInterval(timer);
  }
}
