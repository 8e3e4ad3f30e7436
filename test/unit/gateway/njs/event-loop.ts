/** NGINX's event loop with a clock of its own: timers by a time that is read once per iteration, as in ngx_event_timer.c. */
export class EventLoop {
  /** Real time, in ms. */
  time = 1_700_000_000_000;
  /** What has to be added to the real time for the clock that can be set. */
  offset = 0;
  /** The iteration that the loop is in. */
  iteration = 0;
  #cached = this.time;
  #timers: { key: number; fire: () => void }[] = [];

  readonly now = (): number => Math.floor(this.time + this.offset);

  readonly pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      this.#timers.push({ key: this.#cached + Math.ceil(ms), fire: resolve });
    });

  /** Computes for so long. */
  work(ms: number): void {
    this.time += ms;
  }

  /** Forgets the timers: the requests that set them are gone. */
  abort(): void {
    this.#timers = [];
  }

  #earliest(): number {
    return Math.min(...this.#timers.map(({ key }) => key));
  }

  /** Runs until there are no timers left. */
  async run(): Promise<void> {
    await settle();
    while (this.#timers.length > 0) {
      this.time = Math.max(this.time, this.#earliest());
      this.iteration++;
      this.#cached = Math.floor(this.time);
      while (this.#earliest() <= this.#cached) {
        const earliest = this.#earliest();
        const at = this.#timers.findIndex(({ key }) => key === earliest);
        this.#timers.splice(at, 1)[0]?.fire();
        await settle();
      }
    }
  }
}

/** Lets everything go on that waits for no timer. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
