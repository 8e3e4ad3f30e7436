import { NEVER } from './abort.js';

/**
 * Limits how many calls are under way at a time. A queued call rejects with the signal's reason if the signal is aborted
 * before it starts. A started call gets a signal that is never aborted and always runs to its end, so that no request is
 * abandoned halfway. A call's time-out belongs inside the call: then it begins when the call starts, and the queue
 * costs it nothing.
 */
export class Semaphore {
  readonly #queue: (() => void)[] = [];
  #free: number;

  /** @param limit The most calls under way at a time, at least 1. */
  constructor(limit: number) {
    this.#free = limit;
  }

  /** Whether calls wait for others to end. */
  get hasQueue(): boolean {
    return this.#queue.length > 0;
  }

  async run<T>(signal: AbortSignal, call: (callSignal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      signal.throwIfAborted();
      return await call(NEVER);
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
