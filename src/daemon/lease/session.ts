import { withTimeout } from '../../async/abort.js';
import { retry } from '../../async/retry.js';
import { Wakeup } from '../../async/wakeup.js';
import { LeaseGoneError, messageOf } from '../../core/errors.js';
import type { EtcdCondition } from '../../core/etcd-state.js';
import type { LeaseId } from '../../core/ports.js';
import { KeyLedger, type KeyStatus } from './key-ledger.js';
import { Lease } from './lease.js';
import { LeasedKeys } from './leased-keys.js';
import type { LeaseOptions } from './options.js';

/** The longest that a timer can run, in ms: the wait is ended by a wake-up. */
const FOREVER = 2 ** 31 - 1;

/**
 * Keeps a set of keys in etcd under one lease for as long as it runs. It grants the lease anew when it is lost, writes
 * again what somebody changed, and waits for an etcd that is unavailable. Nothing here rejects because of etcd.
 */
export class LeaseSession {
  readonly #options: LeaseOptions;
  readonly #ledger = new KeyLedger();
  readonly #keys: LeasedKeys;
  readonly #lease: Lease;
  readonly #work = new Wakeup();
  readonly #settling = new Set<() => void>();
  #lastProgress: number;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#lastProgress = options.clock();
    this.#keys = new LeasedKeys(this.#ledger, options);
    this.#lease = new Lease(options, {
      onGranted: () => {
        this.#ledger.onLeaseReplaced();
        this.#work.wake();
      },
      onRenewed: () => {
        this.#ledger.markAllDirty();
        this.#work.wake();
      },
      onProgress: () => {
        this.#lastProgress = this.#options.clock();
      },
    });
  }

  /** Wants this key with this value; it is written as soon as possible. The same value again does nothing. */
  set(key: string, value: string): void {
    if (this.#ledger.want(key, value)) this.#work.wake();
  }

  /** Wants this key no longer: it is deleted if it is still under our lease. */
  unset(key: string): void {
    if (this.#ledger.unwant(key)) this.#work.wake();
  }

  /** The state of a wanted key; undefined for a key that is not wanted. */
  status(key: string): KeyStatus | undefined {
    return this.#ledger.entry(key)?.status;
  }

  /** The revision of etcd at which the wanted value was written, while it is held. */
  revision(key: string): number | undefined {
    return this.status(key) === 'held' ? this.#ledger.lastWrite(key) : undefined;
  }

  /** Why etcd refuses a wanted key; undefined while it does not. */
  refusal(key: string): string | undefined {
    return this.#ledger.entry(key)?.refusal;
  }

  /** What etcd does for this session: `refused` also where it keeps the lease, but refuses a key. */
  get etcd(): EtcdCondition {
    const { condition } = this.#lease;
    const error = this.#ledger.anyRefusal;
    return condition.state === 'connected' && error !== undefined ? { state: 'refused', error } : condition;
  }

  /** The lease that is held, as far as is known: undefined once its time has run out without a keep-alive. */
  get lease(): LeaseId | undefined {
    return this.#lease.valid ? this.#lease.id : undefined;
  }

  /** Whether there ever was a lease: without one, nothing of ours can be in etcd. */
  get wasGranted(): boolean {
    return this.#lease.wasGranted;
  }

  /** When the lease's last call ended, well or not, in ms by the `clock`: for a watchdog. */
  get lastProgress(): number {
    return this.#lastProgress;
  }

  /**
   * Resolves once every wanted key has a lasting status and every unwanted one is deleted: to true where all wanted keys
   * are held, to false where some are superseded or refused. Rejects with the signal's reason when that is aborted.
   */
  settled(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!signal.aborted && !this.#ledger.settled) return;
        this.#settling.delete(check);
        signal.removeEventListener('abort', check);
        if (signal.aborted) reject(signal.reason);
        else resolve(this.#ledger.allHeld);
      };
      this.#settling.add(check);
      signal.addEventListener('abort', check, { once: true });
      check();
    });
  }

  /** Runs until aborted, then revokes the lease, within `revokeTimeout`, and resolves. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#lease.run(signal), this.#reconcileKeys(signal)]);
    } finally {
      await this.#lease.revoke();
    }
  }

  /** Reconciles whenever a key is dirty and there is a lease to hold it. */
  async #reconcileKeys(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#work.wait(FOREVER, signal);
      if (signal.aborted) return;
      await this.#reconcileUntilDone(signal);
    }
  }

  async #reconcileUntilDone(signal: AbortSignal): Promise<void> {
    const { leaseTtl, log } = this.#options;
    const logged = new Set<string>();
    try {
      await retry(() => this.#reconcileOnce(signal), {
        min: Math.min(100, leaseTtl / 20),
        max: Math.min(2000, leaseTtl / 6),
        signal,
        onFailure: (error) => {
          if (logged.has(error.name)) return;
          logged.add(error.name);
          log.debug(
            { event: 'keys-failed', reason: messageOf(error) },
            'the keys could not be written: retrying',
          );
        },
      });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #reconcileOnce(signal: AbortSignal): Promise<void> {
    const current = this.#lease.id;
    // Without a lease there is nothing to do: the next grant wakes this loop again.
    if (current === undefined || this.#ledger.dirty.size === 0) return;
    try {
      await withTimeout(this.#options.leaseTtl, signal, (limited) =>
        this.#keys.reconcile({ current, former: this.#lease.former }, limited),
      );
    } catch (error) {
      if (!(error instanceof LeaseGoneError)) throw error;
      this.#lease.markLost(current);
    } finally {
      for (const check of this.#settling) check();
    }
  }
}
