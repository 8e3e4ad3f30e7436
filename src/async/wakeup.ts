import { deriveAbort } from './abort.js';
import { sleep } from './sleep.js';

/** A latch that one loop waits on: a wake-up while the loop is busy is kept until its next wait, and several count as one. */
export class Wakeup {
  #pending = false;
  #interrupt = () => {};

  /** Ends the wait under way, or the next one at once. */
  wake(): void {
    this.#pending = true;
    this.#interrupt();
  }

  /** Resolves when woken, after `ms` milliseconds, or when the signal is aborted. Never rejects. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    const waiting = deriveAbort(signal);
    this.#interrupt = () => waiting.abort();
    if (!this.#pending) await sleep(ms, waiting.signal);
    waiting.dispose();
    this.#pending = false;
  }
}
