import { isTimeout, withTimeout } from '../async/abort.js';
import { formatDuration } from '../config/engine/duration.js';
import { messageOf, SidekickError } from '../core/errors.js';
import { printLines } from './print-lines.js';

/** When a command first prints that it still waits, and how often after that, in ms. */
const FIRST_PROGRESS = 1000;
const PROGRESS_INTERVAL = 10_000;

interface Wait {
  readonly out: NodeJS.WritableStream;
  /** How long the wait may take, in ms. */
  readonly timeout: number;
  /** What is waited for now, to follow "waiting for". */
  readonly what: () => string;
  /** One sentence that tells what is still true when the wait ends early. */
  readonly otherwise?: string;
}

/**
 * Runs work that may take long, and prints again and again what it waits for. Rejects with a SidekickError when the time
 * is up or the signal is aborted.
 */
export async function waitWithProgress<T>(
  { out, timeout, what, otherwise }: Wait,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const began = performance.now();
  const report = () => {
    const elapsed = formatDuration(Math.round((performance.now() - began) / 1000) * 1000);
    printLines(out, `still waiting for ${what()} (${elapsed} of ${formatDuration(timeout)})`);
    timer = setTimeout(report, PROGRESS_INTERVAL);
  };
  let timer = setTimeout(report, FIRST_PROGRESS);
  const tail = otherwise === undefined ? '' : `\n${otherwise}`;
  try {
    return await withTimeout(timeout, signal, work);
  } catch (error) {
    if (signal.aborted) throw new SidekickError('INTERRUPTED', `${messageOf(signal.reason)}${tail}`);
    if (!isTimeout(error)) throw error;
    const text = `not done within ${formatDuration(timeout)} (--timeout): still waiting for ${what()}`;
    throw new SidekickError('TIMEOUT', `${text}${tail}`);
  } finally {
    clearTimeout(timer);
  }
}
