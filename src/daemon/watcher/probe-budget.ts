import type { Clock } from '../../core/ports.js';
import type { ProbeLimits } from './options.js';

/**
 * Shares out the probes: so many under way, so many begun in a second. The services that wait for one take turns, so
 * that the thousand instances of one, all of them dead, keep no other waiting for more than its turn.
 */
export class ProbeBudget {
  readonly #limits: () => ProbeLimits;
  readonly #clock: Clock;
  /** By service, those that wait, in order; the services in the order of their turns. */
  readonly #queues = new Map<string, Set<() => void>>();
  #underWay = 0;
  /** How many may begin at once; refilled as time goes by, up to a tenth of a second's. */
  #credit: number;
  #creditAt: number;
  /** The next look comes by itself. */
  #isDue = false;

  constructor(limits: () => ProbeLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#credit = this.#burst;
    this.#creditAt = clock();
  }

  /** Runs a probe when it is the service's turn. Resolves to undefined, without a run, once the signal is aborted. */
  async run<T>(service: string, signal: AbortSignal, probe: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#turn(service, signal))) return undefined;
    try {
      return await probe();
    } finally {
      this.#underWay--;
      this.#next();
    }
  }

  get #burst(): number {
    return Math.max(1, this.#limits().perSecond / 10);
  }

  #turn(service: string, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const queue = this.#queues.get(service) ?? new Set();
      this.#queues.set(service, queue);
      const begin = () => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = () => {
        queue.delete(begin);
        if (queue.size === 0) this.#queues.delete(service);
        resolve(false);
      };
      signal.addEventListener('abort', leave, { once: true });
      queue.add(begin);
      this.#next();
    });
  }

  #next(): void {
    this.#refill();
    while (this.#underWay < this.#limits().underWay) {
      const first = this.#queues.entries().next();
      if (first.done === true) return;
      const [service, queue] = first.value;
      if (this.#credit < 1) {
        this.#wait();
        return;
      }
      const [begin] = queue;
      if (begin) queue.delete(begin);
      // The service goes to the end of the round.
      this.#queues.delete(service);
      if (queue.size > 0) this.#queues.set(service, queue);
      this.#credit--;
      this.#underWay++;
      begin?.();
    }
  }

  #refill(): void {
    const now = this.#clock();
    this.#credit = Math.min(
      this.#burst,
      this.#credit + ((now - this.#creditAt) * this.#limits().perSecond) / 1000,
    );
    this.#creditAt = now;
  }

  #wait(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(
      () => {
        this.#isDue = false;
        this.#next();
      },
      Math.max(1, Math.ceil(((1 - this.#credit) * 1000) / this.#limits().perSecond)),
    );
  }
}
