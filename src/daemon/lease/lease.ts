import { NEVER, withTimeout } from '../../async/abort.js';
import { retry } from '../../async/retry.js';
import { sleep } from '../../async/sleep.js';
import { Wakeup } from '../../async/wakeup.js';
import { LeaseGoneError, messageOf } from '../../core/errors.js';
import { CONNECTED, conditionOf, type EtcdCondition } from '../../core/etcd-state.js';
import type { LeaseId } from '../../core/ports.js';
import type { LeaseSessionOptions } from './types.js';

/** Leases that are remembered after their loss: a restored etcd may bring keys of theirs back. */
const MAX_FORMER = 32;

/** What a lease tells its keys. */
export interface LeaseEvents {
  /** A lease was granted: nothing lives under it yet. */
  granted(): void;
  /** The lease was renewed: etcd answers, so whether the keys are still right can be seen. */
  renewed(): void;
  /** A call has ended, well or not: the loop moves. */
  moved(): void;
}

/** One lease after another: granted, kept alive every third of its time, and granted anew when it is lost. */
export class Lease {
  readonly #options: LeaseSessionOptions;
  readonly #events: LeaseEvents;
  readonly #lost = new Wakeup();
  readonly #former = new Set<LeaseId>();
  #id: LeaseId | undefined;
  /** Until when etcd surely keeps the lease, counted from before the last renewal was sent. */
  #validUntil = 0;
  #condition: EtcdCondition = CONNECTED;

  constructor(options: LeaseSessionOptions, events: LeaseEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** The lease as last granted, whether or not it still lives; undefined once it is known to be lost. */
  get id(): LeaseId | undefined {
    return this.#id;
  }

  /** Whether its time has not run out since it was last renewed. */
  get valid(): boolean {
    return this.#id !== undefined && this.#options.clock() < this.#validUntil;
  }

  /** How etcd answered last. */
  get condition(): EtcdCondition {
    return this.#condition;
  }

  /** Whether any lease was ever granted. */
  get wasGranted(): boolean {
    return this.#id !== undefined || this.#former.size > 0;
  }

  get former(): ReadonlySet<LeaseId> {
    return this.#former;
  }

  /** Somebody found out that this lease is gone. Says so once; of a lease that was replaced already it is no news. */
  forget(lease: LeaseId): void {
    if (lease !== this.#id) return;
    this.#id = undefined;
    this.#former.add(lease);
    const [oldest] = this.#former;
    if (oldest !== undefined && this.#former.size > MAX_FORMER) this.#former.delete(oldest);
    this.#options.log.warn({ event: 'lease-lost', lease }, 'the lease is lost; a new one is asked for');
    this.#options.meter.count('sidekick_lease_lost_total');
    this.#lost.wake();
  }

  /** Resolves when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { ttl, random = Math.random } = this.#options;
    try {
      await this.#grant(signal);
      while (!signal.aborted) {
        await this.#lost.wait(ttl / 3, signal);
        if (this.#id !== undefined) await this.#renew(this.#id, signal);
        if (this.#id !== undefined) continue;
        // A lost cluster loses every lease at once, and its fleet must not come back in step.
        await sleep(random() * Math.min(1000, ttl / 10), signal);
        await this.#grant(signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Ends the lease, and with it its keys; bounded. */
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
        'the lease could not be revoked; it ends with its time to live',
      );
    }
  }

  async #grant(signal: AbortSignal): Promise<void> {
    const { store, ttl, clock, log } = this.#options;
    const began = await this.#persist(signal, async (limited) => {
      const sent = clock();
      this.#id = await store.grant(ttl, limited);
      return sent;
    });
    this.#validUntil = began + ttl;
    log.info({ event: 'lease-granted', lease: this.#id, ttl }, 'a lease is granted');
    this.#options.meter.count('sidekick_lease_granted_total');
    this.#events.granted();
  }

  async #renew(lease: LeaseId, signal: AbortSignal): Promise<void> {
    const { store, ttl, clock } = this.#options;
    try {
      const began = await this.#persist(signal, async (limited) => {
        const sent = clock();
        await store.keepAlive(lease, limited);
        return sent;
      });
      this.#validUntil = began + ttl;
      this.#events.renewed();
    } catch (error) {
      if (!(error instanceof LeaseGoneError)) throw error;
      this.forget(lease);
    }
  }

  /** Repeats a call until etcd answers it, several times within the lease's time; a lost lease is an answer. */
  async #persist<T>(signal: AbortSignal, call: (limited: AbortSignal) => Promise<T>): Promise<T> {
    const { ttl } = this.#options;
    const result = await retry(() => withTimeout(ttl / 4, signal, call), {
      min: Math.min(100, ttl / 20),
      max: Math.min(2000, ttl / 6),
      signal,
      onFailure: (error) => this.#failed(error),
      while: (error) => !(error instanceof LeaseGoneError),
    });
    this.#events.moved();
    if (this.#condition !== CONNECTED)
      this.#options.log.info({ event: 'lease-renewed' }, 'etcd answers again: the lease is kept alive');
    this.#condition = CONNECTED;
    return result;
  }

  /** One line for an outage, however often it is tried in it, and one more when its kind changes. */
  #failed(error: Error): void {
    this.#events.moved();
    if (error instanceof LeaseGoneError) return;
    this.#options.meter.count('sidekick_etcd_errors_total', { call: 'lease' });
    const before = this.#condition.state;
    this.#condition = conditionOf(error);
    if (this.#condition.state === before) return;
    const { log } = this.#options;
    const reason = this.#condition.error;
    if (this.#condition.state === 'refused')
      log.error(
        { event: 'lease-refused', reason },
        'etcd refuses the lease: trying again until it is granted',
      );
    else
      log.warn(
        { event: 'lease-renewal-failed', reason },
        'etcd does not answer: trying again until the lease is renewed',
      );
  }
}
