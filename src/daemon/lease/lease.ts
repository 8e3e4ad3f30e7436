import { NEVER, withTimeout } from '../../async/abort.js';
import { retry } from '../../async/retry.js';
import { sleep } from '../../async/sleep.js';
import { Wakeup } from '../../async/wakeup.js';
import { LeaseGoneError, messageOf } from '../../core/errors.js';
import { CONNECTED, conditionOf, type EtcdCondition } from '../../core/etcd-state.js';
import type { LeaseId } from '../../core/ports.js';
import type { LeaseOptions } from './options.js';

/** Leases that are remembered after their loss: a restored etcd may bring their keys back. */
const MAX_FORMER = 32;

/** What a lease reports. */
interface LeaseEvents {
  /** A lease was granted: it has no keys yet. */
  onGranted(): void;
  /** The lease was renewed: etcd answers, so the keys can be compared with it. */
  onRenewed(): void;
  /** A call has ended, well or not. */
  onProgress(): void;
}

/** A lease that is kept alive every third of its time, and granted anew when it is lost. */
export class Lease {
  readonly #options: LeaseOptions;
  readonly #events: LeaseEvents;
  readonly #lost = new Wakeup();
  readonly #former = new Set<LeaseId>();
  #id: LeaseId | undefined;
  /** Until when etcd keeps the lease at least, by the `clock`: counted from before the last renewal was sent. */
  #validUntil = 0;
  #condition: EtcdCondition = CONNECTED;

  constructor(options: LeaseOptions, events: LeaseEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** The lease that was granted last, whether or not it has expired; undefined once it is known to be lost. */
  get id(): LeaseId | undefined {
    return this.#id;
  }

  /** Whether less than its time to live has passed since it was last renewed. */
  get valid(): boolean {
    return this.#id !== undefined && this.#options.clock() < this.#validUntil;
  }

  /** How etcd answered the last call about the lease. */
  get condition(): EtcdCondition {
    return this.#condition;
  }

  /** Whether any lease was ever granted. */
  get wasGranted(): boolean {
    return this.#id !== undefined || this.#former.size > 0;
  }

  /** Leases that we held and lost, the latest last. */
  get former(): ReadonlySet<LeaseId> {
    return this.#former;
  }

  /** Marks `lease` as lost and requests a new one. Does nothing where it has been replaced already. */
  markLost(lease: LeaseId): void {
    if (lease !== this.#id) return;
    this.#id = undefined;
    this.#former.add(lease);
    const [oldest] = this.#former;
    if (oldest !== undefined && this.#former.size > MAX_FORMER) this.#former.delete(oldest);
    this.#options.log.warn({ event: 'lease-lost', lease }, 'the lease is lost: a new one is requested');
    this.#options.meter.count('sidekick_lease_losses_total');
    this.#lost.wake();
  }

  /** Keeps a lease until the signal is aborted, then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { leaseTtl, random = Math.random } = this.#options;
    try {
      await this.#grant(signal);
      while (!signal.aborted) {
        await this.#lost.wait(leaseTtl / 3, signal);
        if (this.#id !== undefined) await this.#renew(this.#id, signal);
        if (this.#id !== undefined) continue;
        // A cluster that was lost loses every lease at once: its clients must not all come back in one moment.
        await sleep(random() * Math.min(1000, leaseTtl / 10), signal);
        await this.#grant(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Ends the lease, and with it its keys. Resolves within `revokeTimeout`, whether or not etcd answers. */
  async revoke(): Promise<void> {
    const lease = this.#id;
    if (lease === undefined) return;
    const { store, log, revokeTimeout = 2000 } = this.#options;
    this.#id = undefined;
    try {
      await withTimeout(revokeTimeout, NEVER, (limited) => store.revoke(lease, limited));
      log.info({ event: 'lease-revoked', lease }, 'the lease is revoked');
    } catch (error) {
      log.warn(
        { event: 'lease-abandoned', lease, reason: messageOf(error) },
        'the lease could not be revoked: it ends after its time to live',
      );
    }
  }

  async #grant(signal: AbortSignal): Promise<void> {
    const { store, leaseTtl, clock, log } = this.#options;
    const began = await this.#retryUntilAnswered(signal, async (limited) => {
      const sent = clock();
      this.#id = await store.grant(leaseTtl, limited);
      return sent;
    });
    this.#validUntil = began + leaseTtl;
    log.info({ event: 'lease-granted', lease: this.#id, ttl: leaseTtl }, 'a lease is granted');
    this.#options.meter.count('sidekick_lease_grants_total');
    this.#events.onGranted();
  }

  async #renew(lease: LeaseId, signal: AbortSignal): Promise<void> {
    const { store, leaseTtl, clock } = this.#options;
    try {
      const began = await this.#retryUntilAnswered(signal, async (limited) => {
        const sent = clock();
        await store.keepAlive(lease, limited);
        return sent;
      });
      this.#validUntil = began + leaseTtl;
      this.#events.onRenewed();
    } catch (error) {
      if (!(error instanceof LeaseGoneError)) throw error;
      this.markLost(lease);
    }
  }

  /** Repeats a call until etcd answers it, several times within the lease's time. That the lease is gone is an answer. */
  async #retryUntilAnswered<T>(signal: AbortSignal, call: (limited: AbortSignal) => Promise<T>): Promise<T> {
    const { leaseTtl } = this.#options;
    const result = await retry(() => withTimeout(leaseTtl / 4, signal, call), {
      min: Math.min(100, leaseTtl / 20),
      max: Math.min(2000, leaseTtl / 6),
      signal,
      onFailure: (error) => this.#onFailure(error),
      while: (error) => !(error instanceof LeaseGoneError),
    });
    this.#events.onProgress();
    if (this.#condition !== CONNECTED)
      this.#options.log.info({ event: 'lease-renewed' }, 'etcd answers again: the lease is kept alive');
    this.#condition = CONNECTED;
    return result;
  }

  /** Logs an outage once, however many calls fail in it, and once more when its kind changes. */
  #onFailure(error: Error): void {
    this.#events.onProgress();
    if (error instanceof LeaseGoneError) return;
    this.#options.meter.count('sidekick_etcd_errors_total', { call: 'lease' });
    const before = this.#condition.state;
    this.#condition = conditionOf(error);
    if (this.#condition.state === before) return;
    const { log } = this.#options;
    const reason = this.#condition.error;
    if (this.#condition.state === 'refused')
      log.error({ event: 'lease-refused', reason }, 'etcd refuses the lease: retrying until etcd grants it');
    else
      log.warn(
        { event: 'lease-renewal-failed', reason },
        'etcd is unavailable: retrying until the lease is renewed',
      );
  }
}
