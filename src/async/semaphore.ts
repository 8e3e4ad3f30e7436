/**
 * Lets a bounded number of calls be under way. A call's deadline begins when it is let through, so that a burst of a
 * thousand does not time out in the queue. An aborted signal keeps a queued call from beginning (it rejects with the
 * signal's reason), and lets one under way end by itself: what was asked of NGINX is not left in doubt.
 */
export type Semaphore = <T>(signal: AbortSignal, call: (own: AbortSignal) => Promise<T>) => Promise<T>;

export function createSemaphore(limit: number): Semaphore {
  const queue: (() => void)[] = [];
  let free = limit;
  return async (signal, call) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      signal.throwIfAborted();
      return await call(new AbortController().signal);
    } finally {
      const next = queue.shift();
      if (next) next();
      else free++;
    }
  };
}
