import { NEVER } from './abort.js';

/**
 * Limits how many calls are under way at a time. A queued call rejects with the signal's reason if the signal is aborted
 * before it starts. A started call gets a signal that is never aborted and always runs to its end, so that no request is
 * abandoned halfway. A call's time-out belongs inside the call: then it begins when the call starts, and the queue
 * costs it nothing.
 */
export type Semaphore = <T>(signal: AbortSignal, call: (callSignal: AbortSignal) => Promise<T>) => Promise<T>;

/** @param limit The most calls under way at a time, at least 1. */
export function createSemaphore(limit: number): Semaphore {
  const queue: (() => void)[] = [];
  let free = limit;
  return async (signal, call) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      signal.throwIfAborted();
      return await call(NEVER);
    } finally {
      const next = queue.shift();
      if (next) next();
      else free++;
    }
  };
}
