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
    if (!this.#pending && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener('abort', done, { once: true });
        this.#interrupt = done;
      });
    }
    this.#pending = false;
  }
}
