import { EtcdError, LeaseGoneError, messageOf } from '../../core/errors.js';
import { withRemedy } from '../../core/etcd-state.js';
import { decideOwnership, type LeaseHistory } from '../../core/key-ownership.js';
import type { KeyValue } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import type { KeyStatus, LeaseSessionOptions } from './types.js';

/** Writes under way at a time. */
const CONCURRENCY = 16;

/** Keys wanted no more that are still looked at: a restored etcd may bring them back, under the lease that we keep alive. */
const MAX_RELEASED = 100;

/** Last writes that are remembered, also of keys that are wanted no more. */
const MAX_WRITES = 10_000;

interface Wanted {
  readonly value: string;
  readonly status: KeyStatus;
  /** Why etcd refuses it. */
  readonly refusal?: string;
}

/** The keys that are wanted under the lease, and what is known of each. */
export class LeasedKeys {
  readonly #options: LeaseSessionOptions;
  readonly #wanted = new Map<string, Wanted>();
  /**
   * The revision of our last write of each key. It outlives the wish for the key: a service that comes back healthy
   * must not take its address from a newer process that has registered it meanwhile.
   */
  readonly #writes = new Map<string, number>();
  /** Keys to be compared with etcd, wanted or no longer. */
  readonly #unsure = new Set<string>();
  /** Keys wanted no more, the latest last; each with whether it is known to be gone from our lease. */
  readonly #released = new Map<string, boolean>();

  constructor(options: LeaseSessionOptions) {
    this.#options = options;
  }

  set(key: string, value: string): boolean {
    const present = this.#wanted.get(key);
    if (present?.value === value) return false;
    this.#wanted.set(key, { value, status: present?.status === 'superseded' ? 'superseded' : 'pending' });
    this.#released.delete(key);
    this.#unsure.add(key);
    return true;
  }

  unset(key: string): boolean {
    if (!this.#wanted.delete(key)) return false;
    this.#released.set(key, false);
    this.#unsure.add(key);
    return true;
  }

  status(key: string): KeyStatus | undefined {
    return this.#wanted.get(key)?.status;
  }

  /** Why etcd refuses a wanted key, while it does. */
  refusal(key: string): string | undefined {
    return this.#wanted.get(key)?.refusal;
  }

  /** Why etcd refuses one of the wanted keys. */
  get anyRefusal(): string | undefined {
    for (const { refusal } of this.#wanted.values()) if (refusal !== undefined) return refusal;
    return undefined;
  }

  /** The revision at which a held key was written. */
  revision(key: string): number | undefined {
    return this.status(key) === 'held' ? this.#writes.get(key) : undefined;
  }

  /** Every key is to be looked at again, since it may have been changed. */
  doubt(): void {
    for (const key of this.#wanted.keys()) this.#unsure.add(key);
    for (const key of this.#released.keys()) this.#unsure.add(key);
  }

  /** Every key is known to be gone from our lease, since the lease is a new one. */
  lose(): void {
    this.doubt();
    for (const [key, wanted] of this.#wanted) {
      if (wanted.status === 'held') this.#wanted.set(key, { ...wanted, status: 'pending' });
    }
  }

  /** Whether nothing is left to do: every unwanted key is deleted, and each wanted one has a lasting status. */
  get settled(): boolean {
    if ([...this.#wanted.values()].some(({ status }) => status === 'pending')) return false;
    return [...this.#released.values()].every((gone) => gone);
  }

  get allHeld(): boolean {
    return [...this.#wanted.values()].every(({ status }) => status === 'held');
  }

  get unsure(): boolean {
    return this.#unsure.size > 0;
  }

  /**
   * Compares the unsure keys with etcd and makes them right. Rejects with LeaseGoneError, or with what kept etcd from
   * answering; what was not done stays unsure.
   */
  async mend(leases: LeaseHistory, signal: AbortSignal): Promise<void> {
    const found = await this.#read([...this.#unsure], signal);
    await this.#forEach(found.keys(), (key) => this.#mendKey(key, found.get(key), leases, signal));
  }

  /** The keys as etcd has them; without those that etcd does not let us read, which are noted as refused. */
  async #read(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, KeyValue | undefined>> {
    const found = new Map<string, KeyValue | undefined>();
    // A single key that may not be read fails the reading of all: those that were refused before are read alone.
    const suspect = keys.filter((key) => this.status(key) === 'refused');
    const others = keys.filter((key) => this.status(key) !== 'refused');
    const look = async (...some: string[]) => {
      const entries = await this.#options.store.read(some, signal);
      for (const key of some) found.set(key, entries.get(key));
    };
    try {
      await look(...others);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      suspect.push(...others);
    }
    await this.#forEach(suspect.values(), (key) =>
      look(key).catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
        this.#refuse(key, error);
      }),
    );
    return found;
  }

  /** Some at a time; the failure of one does not keep the others from being done. */
  async #forEach(keys: Iterator<string>, work: (key: string) => Promise<void>): Promise<void> {
    const failures: unknown[] = [];
    async function worker(): Promise<void> {
      for (let next = keys.next(); !next.done; next = keys.next()) {
        await work(next.value).catch((error: unknown) => failures.push(error));
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    const failure = failures.find((error) => error instanceof LeaseGoneError) ?? failures[0];
    if (failure !== undefined) throw failure;
  }

  async #mendKey(
    key: string,
    found: KeyValue | undefined,
    leases: LeaseHistory,
    signal: AbortSignal,
  ): Promise<void> {
    const claim = this.#wanted.get(key);
    if (claim === undefined) return this.#delete(key, found, leases, signal);
    const verdict = decideOwnership({ value: claim.value, written: this.#writes.get(key) }, found, leases);
    if (verdict === 'held') this.#held(key, claim, found?.revision);
    else if (verdict === 'yield') this.#conclude(key, claim, 'superseded');
    else {
      // Whoever put it there may have put anything.
      const value = found && printable(found.value);
      const event = { event: 'key-repaired', key, found: value, foundLease: found?.lease };
      if (claim.status === 'held')
        this.#options.log.warn(event, 'the key was not as it was left; writing it again');
      await this.#write(key, claim, leases, signal);
    }
  }

  async #write(key: string, claim: Wanted, leases: LeaseHistory, signal: AbortSignal): Promise<void> {
    const { store, meter } = this.#options;
    try {
      const written = await store.put(key, claim.value, { lease: leases.current }, signal);
      meter.count('sidekick_keys_written_total');
      this.#held(key, claim, written);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#refuse(key, error);
    }
  }

  /** Deletes an unwanted key, but only from a lease of ours: it may be another's by now. */
  async #delete(
    key: string,
    found: KeyValue | undefined,
    leases: LeaseHistory,
    signal: AbortSignal,
  ): Promise<void> {
    const lease = found?.lease;
    const ours = lease !== undefined && (lease === leases.current || leases.former.has(lease));
    if (ours) {
      try {
        await this.#options.store.remove(key, { lease }, signal);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const fields = { event: 'key-abandoned', key, reason: messageOf(error) };
        this.#options.log.warn(fields, 'etcd refuses to delete this key; it ends with its lease');
      }
    }
    this.#release(key);
  }

  /** The key is known not to be ours, unless it is wanted again by now. */
  #release(key: string): void {
    if (this.#wanted.has(key)) return;
    this.#unsure.delete(key);
    this.#released.set(key, true);
    for (const [oldest, gone] of this.#released) {
      if (this.#released.size <= MAX_RELEASED) break;
      if (gone) this.#released.delete(oldest);
    }
  }

  #refuse(key: string, error: EtcdError): void {
    const claim = this.#wanted.get(key);
    if (claim) this.#conclude(key, claim, 'refused', withRemedy(error));
    // What may not be read is not ours to delete either.
    else this.#release(key);
  }

  #held(key: string, claim: Wanted, revision: number | undefined): void {
    if (revision !== undefined) {
      this.#writes.delete(key);
      this.#writes.set(key, revision);
      for (const oldest of this.#writes.keys()) {
        if (this.#writes.size <= MAX_WRITES) break;
        this.#writes.delete(oldest);
      }
    }
    this.#conclude(key, claim, 'held');
  }

  /** Notes the outcome, unless the key is wanted otherwise, or not at all, by now. */
  #conclude(key: string, claim: Wanted, status: KeyStatus, reason?: string): void {
    if (this.#wanted.get(key) !== claim) return;
    this.#wanted.set(key, {
      value: claim.value,
      status,
      ...(reason === undefined ? {} : { refusal: reason }),
    });
    this.#unsure.delete(key);
    if (claim.status !== status) this.#tell(key, claim.status, status, reason);
  }

  #tell(key: string, before: KeyStatus, status: KeyStatus, reason: string | undefined): void {
    const { log } = this.#options;
    const event = { event: `key-${status}`, key };
    if (status === 'superseded') log.warn(event, 'a newer process holds this key; leaving it alone');
    else if (status === 'refused') log.error({ ...event, reason }, 'etcd refuses this key');
    else if (before === 'superseded') log.info(event, 'the key is free again and taken back');
    else log.info(event, 'the key is in etcd');
  }
}

/** Whether etcd will say the same again: it does not let us, or the key or value is none. */
function isRefusal(error: unknown): error is EtcdError {
  return error instanceof EtcdError && error.refused;
}
