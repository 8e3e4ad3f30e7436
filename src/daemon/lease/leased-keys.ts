import { forEach } from '../../async/for-each.js';
import { EtcdError, LeaseGoneError, messageOf } from '../../core/errors.js';
import { withRemedy } from '../../core/etcd-state.js';
import { decideOwnership, type LeaseHistory } from '../../core/key-ownership.js';
import type { KeyValue } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import type { KeyLedger, KeyStatus, LedgerEntry } from './key-ledger.js';
import type { LeaseOptions } from './options.js';

/** Calls to etcd under way at a time. */
const CONCURRENCY = 16;

/** Makes the keys in etcd equal to what a ledger wants. */
export class LeasedKeys {
  readonly #options: Pick<LeaseOptions, 'store' | 'log' | 'meter'>;
  readonly #ledger: KeyLedger;

  constructor(ledger: KeyLedger, options: Pick<LeaseOptions, 'store' | 'log' | 'meter'>) {
    this.#ledger = ledger;
    this.#options = options;
  }

  /**
   * Compares the dirty keys with etcd and writes or deletes what differs. Rejects with LeaseGoneError, or with why etcd
   * did not answer; what was not done stays dirty.
   */
  async reconcile(leases: LeaseHistory, signal: AbortSignal): Promise<void> {
    try {
      const found = await this.#read([...this.#ledger.dirty], signal);
      await forEach(found, CONCURRENCY, ([key, entry]) => this.#reconcileKey(key, entry, leases, signal));
    } catch (error) {
      throw error instanceof AggregateError ? mostTelling(error) : error;
    }
  }

  /** The keys as etcd has them; without those that etcd does not let us read, which are recorded as refused. */
  async #read(
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, KeyValue | undefined>> {
    const found = new Map<string, KeyValue | undefined>();
    const read = async (...some: string[]) => {
      const entries = await this.#options.store.read(some, signal);
      for (const key of some) found.set(key, entries.get(key));
    };
    // One key that may not be read fails the reading of all: those that were refused before are read alone.
    const alone = keys.filter((key) => this.#status(key) === 'refused');
    const together = keys.filter((key) => this.#status(key) !== 'refused');
    try {
      await read(...together);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      alone.push(...together);
    }
    await forEach(alone, CONCURRENCY, (key) =>
      read(key).catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
        this.#recordRefusal(key, error);
      }),
    );
    return found;
  }

  #status(key: string): KeyStatus | undefined {
    return this.#ledger.entry(key)?.status;
  }

  async #reconcileKey(
    key: string,
    found: KeyValue | undefined,
    leases: LeaseHistory,
    signal: AbortSignal,
  ): Promise<void> {
    const entry = this.#ledger.entry(key);
    if (entry === undefined) return this.#delete(key, found, leases, signal);
    const wanted = { value: entry.value, written: this.#ledger.lastWrite(key) };
    const decision = decideOwnership(wanted, found, leases);
    if (decision === 'held') this.#recordHeld(key, entry, found?.revision);
    else if (decision === 'yield') this.#setStatus(key, entry, 'superseded');
    else {
      if (entry.status === 'held') this.#logRepair(key, found);
      await this.#write(key, entry, leases, signal);
    }
  }

  async #write(key: string, entry: LedgerEntry, leases: LeaseHistory, signal: AbortSignal): Promise<void> {
    const { store, meter } = this.#options;
    try {
      const revision = await store.put(key, entry.value, { lease: leases.current }, signal);
      meter.count('sidekick_key_writes_total');
      this.#recordHeld(key, entry, revision);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#recordRefusal(key, error);
    }
  }

  /** Deletes an unwanted key, but only from a lease of ours: it may belong to another process by now. */
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
    this.#ledger.recordGone(key);
  }

  #recordRefusal(key: string, error: EtcdError): void {
    const entry = this.#ledger.entry(key);
    if (entry) this.#setStatus(key, entry, 'refused', withRemedy(error));
    // A key that we may not read is not ours to delete either.
    else this.#ledger.recordGone(key);
  }

  #recordHeld(key: string, entry: LedgerEntry, revision: number | undefined): void {
    if (revision !== undefined) this.#ledger.recordWrite(key, revision);
    this.#setStatus(key, entry, 'held');
  }

  #setStatus(key: string, entry: LedgerEntry, status: KeyStatus, reason?: string): void {
    if (this.#ledger.recordStatus(key, entry, status, reason)) {
      this.#logTransition(key, entry.status, status, reason);
    }
  }

  #logTransition(key: string, before: KeyStatus, status: KeyStatus, reason: string | undefined): void {
    const { log } = this.#options;
    if (status === 'superseded') {
      log.warn({ event: 'key-superseded', key }, 'a newer process holds this key: it is left alone');
    } else if (status === 'refused') {
      log.error(
        { event: 'key-refused', key, reason },
        'etcd refuses this key: retrying until etcd accepts it',
      );
    } else if (before === 'superseded') {
      log.info({ event: 'key-reclaimed', key }, 'the key is free again and has been taken back');
    } else {
      log.info({ event: 'key-written', key }, 'the key is in etcd');
    }
  }

  /** Whoever changed the key may have written anything. */
  #logRepair(key: string, found: KeyValue | undefined): void {
    const value = found && printable(found.value);
    this.#options.log.warn(
      { event: 'key-repaired', key, found: value, foundLease: found?.lease },
      'the key was changed or deleted by somebody else: it is written again',
    );
  }
}

/** A lost lease explains the other failures, and is what has to be acted on. */
function mostTelling({ errors }: AggregateError): unknown {
  return errors.find((error) => error instanceof LeaseGoneError) ?? errors[0];
}

/** Whether etcd will answer the same again: it does not let us, or does not take such a key or value. */
function isRefusal(error: unknown): error is EtcdError {
  return error instanceof EtcdError && error.refused;
}
