import { setMaxListeners } from 'node:events';

/** A signal that is never aborted. */
export const NEVER: AbortSignal = new AbortController().signal;
// Any number of calls may listen to it at a time.
setMaxListeners(0, NEVER);

/** What `withTimeout` aborts with when the time is over. */
export class TimeoutError extends Error {
  /** The name that `AbortSignal.timeout` gives its reason as well. */
  override readonly name = 'TimeoutError';
}

/** Whether an error, or a signal's reason, is a time-out: of `withTimeout` or of `AbortSignal.timeout`. */
export function isTimeout(error: unknown): error is Error {
  return error instanceof Error && error.name === 'TimeoutError';
}

/** Resolves when the signal is aborted, at once if it already is. Keeps its listener until then. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A signal of one's own that a parent signal aborts too. */
export interface DerivedAbort {
  readonly signal: AbortSignal;
  /** Aborts the derived signal; the parent is not touched. */
  abort(reason?: unknown): void;
  /** Takes the listener off the parent. Call it when the work is done: the parent may live as long as the process. */
  dispose(): void;
}

/**
 * Derives a signal that is aborted with its parent, and for the same reason. In place of `AbortSignal.any`, which keeps
 * every signal it made for as long as the parent lives (Node.js 20).
 */
export function deriveAbort(parent: AbortSignal): DerivedAbort {
  const controller = new AbortController();
  const onAbort = () => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  else parent.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    dispose: () => parent.removeEventListener('abort', onAbort),
  };
}

/** Settles like `promise`, or rejects with the signal's reason as soon as it is aborted. The promise is not cancelled. */
export function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Runs `work` with a signal that is aborted together with `signal`, and by a TimeoutError once `ms` milliseconds have
 * passed. Settles as `work` does: a `work` that ignores its signal
 * is waited for. Rejects with the signal's reason, without running `work`, where it is aborted already.
 */
export async function withTimeout<T>(
  ms: number,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const limited = deriveAbort(signal);
  const timer = setTimeout(() => limited.abort(new TimeoutError(`not done within ${ms} ms`)), ms);
  try {
    return await work(limited.signal);
  } finally {
    clearTimeout(timer);
    limited.dispose();
  }
}
