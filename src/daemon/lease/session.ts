import { withTimeout } from '../../async/abort.js';
import { retry } from '../../async/retry.js';
import { Wakeup } from '../../async/wakeup.js';
import { LeaseGoneError, messageOf } from '../../core/errors.js';
import type { EtcdCondition } from '../../core/etcd-state.js';
import type { LeaseId } from '../../core/ports.js';
import { Lease } from './lease.js';
import { LeasedKeys } from './leased-keys.js';
import type { KeyStatus, LeaseSession, LeaseSessionOptions } from './types.js';

/** As long as a timer can be: the wait is ended by a wake-up. */
const FOREVER = 2 ** 31 - 1;

/** Keeps keys under one lease. See the LeaseKeeper interface for what may be relied on. */
export function createLeaseSession(options: LeaseSessionOptions): LeaseSession {
  return new Keeper(options);
}

class Keeper implements LeaseSession {
  readonly #options: LeaseSessionOptions;
  readonly #keys: LeasedKeys;
  readonly #lease: Lease;
  readonly #work = new Wakeup();
  readonly #waiting = new Set<() => void>();
  #lastProgress: number;

  constructor(options: LeaseSessionOptions) {
    this.#options = options;
    this.#lastProgress = options.clock();
    this.#keys = new LeasedKeys(options);
    this.#lease = new Lease(options, {
      granted: () => {
        this.#keys.lose();
        this.#work.wake();
      },
      renewed: () => {
        this.#keys.doubt();
        this.#work.wake();
      },
      moved: () => {
        this.#lastProgress = this.#options.clock();
      },
    });
  }

  set(key: string, value: string): void {
    if (this.#keys.set(key, value)) this.#work.wake();
  }

  unset(key: string): void {
    if (this.#keys.unset(key)) this.#work.wake();
  }

  status(key: string): KeyStatus | undefined {
    return this.#keys.status(key);
  }

  revision(key: string): number | undefined {
    return this.#keys.revision(key);
  }

  refusal(key: string): string | undefined {
    return this.#keys.refusal(key);
  }

  get etcd(): EtcdCondition {
    const { condition } = this.#lease;
    const error = this.#keys.anyRefusal;
    return condition.state === 'connected' && error !== undefined ? { state: 'refused', error } : condition;
  }

  get lease(): LeaseId | undefined {
    return this.#lease.valid ? this.#lease.id : undefined;
  }

  get wasGranted(): boolean {
    return this.#lease.wasGranted;
  }

  get lastProgress(): number {
    return this.#lastProgress;
  }

  settled(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!signal.aborted && !this.#keys.settled) return;
        this.#waiting.delete(look);
        signal.removeEventListener('abort', look);
        if (signal.aborted) reject(signal.reason);
        else resolve(this.#keys.allHeld);
      };
      this.#waiting.add(look);
      signal.addEventListener('abort', look, { once: true });
      look();
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#lease.run(signal), this.#mendKeys(signal)]);
    } finally {
      await this.#lease.revoke();
    }
  }

  /** Makes the keys right whenever there is something to do and a lease to do it under. */
  async #mendKeys(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#work.wait(FOREVER, signal);
      if (signal.aborted) return;
      await this.#mendUntilDone(signal);
    }
  }

  async #mendUntilDone(signal: AbortSignal): Promise<void> {
    const { ttl, log } = this.#options;
    const told = new Set<string>();
    try {
      await retry(() => this.#mendOnce(signal), {
        min: Math.min(100, ttl / 20),
        max: Math.min(2000, ttl / 6),
        signal,
        onFailure: (error) => {
          if (told.has(error.name)) return;
          told.add(error.name);
          log.debug(
            { event: 'keys-failed', reason: messageOf(error) },
            'the keys could not be written; trying on',
          );
        },
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #mendOnce(signal: AbortSignal): Promise<void> {
    const current = this.#lease.id;
    // Without a lease there is nothing to do: the next grant wakes this loop again.
    if (current === undefined || !this.#keys.unsure) return;
    try {
      await withTimeout(this.#options.ttl, signal, (limited) =>
        this.#keys.mend({ current, former: this.#lease.former }, limited),
      );
    } catch (error) {
      if (!(error instanceof LeaseGoneError)) throw error;
      this.#lease.forget(current);
    } finally {
      for (const look of this.#waiting) look();
    }
  }
}
