/** How much one service may have in etcd. Whoever can write a service's keys can write any number of them. */
export interface ServiceLimits {
  /** Most instances; default 1000. */
  readonly instances: number;
  /** Most bytes of all their values together; default 1 MiB. */
  readonly bytes: number;
}

export const DEFAULT_SERVICE_LIMITS: ServiceLimits = { instances: 1_000, bytes: 1_048_576 };

/**
 * Which keys of one service are within its limits. First come, first served: a key that is in stays in until it is
 * withdrawn, and one that finds no room waits its turn. So newcomers, however many, take no place from what was there.
 */
export class Admission {
  readonly #limits: ServiceLimits;
  /** The keys that are in, with the bytes of their values. */
  readonly #admitted = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Map<string, number>();
  #bytes = 0;

  constructor(limits: ServiceLimits) {
    this.#limits = limits;
  }

  /** How many keys find no room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get isEmpty(): boolean {
    return this.#admitted.size === 0 && this.#waiting.size === 0;
  }

  /** Whether the key is in with a value of this size. One that was in stays in, with its former size, if it has grown too much. */
  offer(key: string, bytes: number): boolean {
    const former = this.#admitted.get(key);
    if (this.#fits(bytes - (former ?? 0), former === undefined ? 1 : 0)) {
      this.#waiting.delete(key);
      this.#admitted.set(key, bytes);
      this.#bytes += bytes - (former ?? 0);
      return true;
    }
    if (former === undefined) this.#waiting.set(key, bytes);
    return false;
  }

  has(key: string): boolean {
    return this.#admitted.has(key);
  }

  /** The key is gone. Tells which of those that wait are in now, the oldest first. */
  withdraw(key: string): readonly string[] {
    this.#waiting.delete(key);
    this.#bytes -= this.#admitted.get(key) ?? 0;
    this.#admitted.delete(key);
    const admitted: string[] = [];
    for (const [next, bytes] of this.#waiting) {
      if (!this.#fits(bytes, 1)) break;
      this.offer(next, bytes);
      admitted.push(next);
    }
    return admitted;
  }

  #fits(bytes: number, instances: number): boolean {
    return (
      this.#admitted.size + instances <= this.#limits.instances && this.#bytes + bytes <= this.#limits.bytes
    );
  }
}
