/** Limits of one service in etcd. Somebody who may write its keys can write any number of them. */
export interface ServiceLimits {
  /** Most instances; default 1000. */
  readonly instances: number;
  /** Most bytes of all their values together; default 1 MiB. */
  readonly bytes: number;
}

export const DEFAULT_SERVICE_LIMITS: ServiceLimits = { instances: 1_000, bytes: 1_048_576 };

/**
 * Which keys of one service are within its limits. An admitted key stays until it is withdrawn; a key that finds no room
 * waits, the oldest first. So new keys, however many, displace no earlier one.
 */
export class Admission {
  readonly #limits: ServiceLimits;
  /** The admitted keys, with the bytes of their values. */
  readonly #admitted = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Map<string, number>();
  #bytes = 0;

  constructor(limits: ServiceLimits) {
    this.#limits = limits;
  }

  /** How many keys wait for room. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get isEmpty(): boolean {
    return this.#admitted.size === 0 && this.#waiting.size === 0;
  }

  /** Returns whether the key is admitted with a value of this size. An admitted key whose value grows too much keeps its former size. */
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

  /** Withdraws a key that is gone. Returns the waiting keys that are admitted instead, the oldest first. */
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
