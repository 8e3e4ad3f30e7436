/** A latch that one loop waits on: a wake-up while the loop is busy is kept until its next wait, and several count as one. */
export class Wakeup {
  #pending = false;
  #interrupt: (() => void) | undefined;

  /** Ends the wait under way, or the next one at once. */
  wake(): void {
    this.#pending = true;
    this.#interrupt?.();
  }

  /** Resolves when woken, after `ms` milliseconds, or when the signal is aborted. Never rejects. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#pending && !signal.aborted) await this.#interrupted(ms, signal);
    this.#pending = false;
  }

  /** It does without a signal of its own: to abort one costs as much as the rest of a change. */
  #interrupted(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#interrupt = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      this.#interrupt = end;
    });
  }
}
