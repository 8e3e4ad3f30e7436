import { sleep } from '../async/sleep.js';
import { Wakeup } from '../async/wakeup.js';

/** The least time from one output to the next, in ms. */
const PAUSE = 500;
/** How often a terminal is drawn on at the latest, in ms. */
const REFRESH = 1_000;

/** Where a live view is shown. */
interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/**
 * Shows what changes, at most twice a second. A terminal is cleared and drawn on every second besides, because the times
 * that it shows pass; anything else gets one output after the other, and each change once.
 */
export class LiveView<T> {
  readonly #screen: Screen;
  readonly #text: (value: T) => string;
  readonly #wakeup = new Wakeup();
  #value: T | undefined;

  /** @param text Makes the text of a value, for the time of the call. */
  constructor(screen: Screen, text: (value: T) => string) {
    this.#screen = screen;
    this.#text = text;
  }

  /** There is another value to be shown. */
  update(value: T): void {
    this.#value = value;
    this.#wakeup.wake();
  }

  /** Runs until the signal is aborted. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const isTerminal = this.#screen.isTTY === true;
    let shown: T | undefined;
    while (!signal.aborted) {
      await this.#wakeup.wait(REFRESH - PAUSE, signal);
      // Changes come in swarms: what comes soon after the first is shown with it.
      await sleep(PAUSE, signal);
      const value = this.#value;
      if (signal.aborted || value === undefined || (value === shown && !isTerminal)) continue;
      this.#screen.write(`${isTerminal ? '\u001b[H\u001b[2J' : ''}${this.#text(value)}`);
      shown = value;
    }
  }
}
