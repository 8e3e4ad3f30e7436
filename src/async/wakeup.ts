/** A latch that one loop waits on: a wake-up that comes while the loop is busy is not lost, and many are one. */
export class Wakeup {
  #pending = false;
  #interrupt = () => {};

  /** Ends the wait under way, or the next one at once. */
  wake(): void {
    this.#pending = true;
    this.#interrupt();
  }

  /** Resolves when woken, after `ms`, or when the signal is aborted. */
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
