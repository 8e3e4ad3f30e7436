import { sleep } from './sleep.js';

/** Spreads amounts over time, such as bytes of several downloads over a line. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #now: () => number;
  /** When what was let through so far is through, in ms. */
  #freeAt = 0;

  /**
   * @param perSecond How much may pass in a second; `Infinity` for no limit.
   * @param now A monotonic clock, in ms.
   */
  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Resolves once this amount may pass, in the order of the calls, or when the signal is aborted. */
  async pass(amount: number, signal: AbortSignal): Promise<void> {
    const now = this.#now();
    const from = Math.max(now, this.#freeAt);
    this.#freeAt = from + (amount / this.#perSecond) * 1000;
    if (from > now) await sleep(from - now, signal);
  }
}
