/** Tombstones that are kept. A restored etcd may bring a removed key back, under the very lease that we keep alive. */
const MAX_TOMBSTONES = 100;

/** Last writes that are remembered, of unwanted keys too. */
const MAX_WRITES = 10_000;

/**
 * The state of a wanted key.
 * `pending`: not written yet. `held`: in etcd under our lease, as wanted. `superseded`: a newer process has put it under
 * its own lease; it is left alone, and taken back once it disappears. `refused`: etcd does not let us read or write it.
 */
export type KeyStatus = 'pending' | 'held' | 'superseded' | 'refused';

/** A wanted key; a new object whenever its value or its status changes. */
export interface LedgerEntry {
  readonly value: string;
  readonly status: KeyStatus;
  /** Why etcd refuses it; only with the status `refused`. */
  readonly refusal?: string;
}

/** The keys that are wanted under the lease, and what is known of each. Pure: reading and writing etcd is LeasedKeys' part. */
export class KeyLedger {
  readonly #wanted = new Map<string, LedgerEntry>();
  /**
   * The revision of our last write of each key. It is kept after the key is no longer wanted: a service that becomes
   * healthy again must not take its address from a newer process that has registered it meanwhile.
   */
  readonly #writes = new Map<string, number>();
  /** Keys to compare with etcd, wanted or removed. */
  readonly #dirty = new Set<string>();
  /** Keys that must stay removed, the latest last; each with whether it is known to be gone from our lease. */
  readonly #tombstones = new Map<string, boolean>();

  /** Wants this key with this value. Returns whether that changes anything. */
  want(key: string, value: string): boolean {
    const present = this.#wanted.get(key);
    if (present?.value === value) return false;
    this.#wanted.set(key, { value, status: present?.status === 'superseded' ? 'superseded' : 'pending' });
    this.#tombstones.delete(key);
    this.#dirty.add(key);
    return true;
  }

  /** Wants this key no longer. Returns whether it was wanted. */
  unwant(key: string): boolean {
    if (!this.#wanted.delete(key)) return false;
    this.#tombstones.set(key, false);
    this.#dirty.add(key);
    return true;
  }

  /** What is known of a wanted key; undefined for any other. */
  entry(key: string): LedgerEntry | undefined {
    return this.#wanted.get(key);
  }

  /** The revision of our last write of a key, whether or not it is still wanted. */
  lastWrite(key: string): number | undefined {
    return this.#writes.get(key);
  }

  /** Why etcd refuses one of the wanted keys; undefined where it refuses none. */
  get anyRefusal(): string | undefined {
    for (const { refusal } of this.#wanted.values()) if (refusal !== undefined) return refusal;
    return undefined;
  }

  /** The keys to compare with etcd. */
  get dirty(): ReadonlySet<string> {
    return this.#dirty;
  }

  /** Whether nothing is left to do: every removed key is deleted, and each wanted one has a lasting status. */
  get settled(): boolean {
    if ([...this.#wanted.values()].some(({ status }) => status === 'pending')) return false;
    return [...this.#tombstones.values()].every((gone) => gone);
  }

  get allHeld(): boolean {
    return [...this.#wanted.values()].every(({ status }) => status === 'held');
  }

  /** Every key has to be compared with etcd: somebody else may have changed it. */
  markAllDirty(): void {
    for (const key of this.#wanted.keys()) this.#dirty.add(key);
    for (const key of this.#tombstones.keys()) this.#dirty.add(key);
  }

  /** No key is under our lease: it is a new one. */
  onLeaseReplaced(): void {
    this.markAllDirty();
    for (const [key, entry] of this.#wanted) {
      if (entry.status === 'held') this.#wanted.set(key, { ...entry, status: 'pending' });
    }
  }

  /** Our write of a key at this revision of etcd is what etcd has. */
  recordWrite(key: string, revision: number): void {
    this.#writes.delete(key);
    this.#writes.set(key, revision);
    for (const oldest of this.#writes.keys()) {
      if (this.#writes.size <= MAX_WRITES) break;
      this.#writes.delete(oldest);
    }
  }

  /**
   * The outcome for a wanted key. Returns whether its status changed. It does nothing where the key was wanted with
   * another value since `entry` was read, or is wanted no longer: that key is still dirty.
   */
  recordStatus(key: string, entry: LedgerEntry, status: KeyStatus, refusal?: string): boolean {
    if (this.#wanted.get(key) !== entry) return false;
    this.#wanted.set(key, { value: entry.value, status, ...(refusal === undefined ? {} : { refusal }) });
    this.#dirty.delete(key);
    return entry.status !== status;
  }

  /** An unwanted key is not under our lease. It does nothing where the key is wanted again by now. */
  recordGone(key: string): void {
    if (this.#wanted.has(key)) return;
    this.#dirty.delete(key);
    this.#tombstones.set(key, true);
    for (const [oldest, gone] of this.#tombstones) {
      if (this.#tombstones.size <= MAX_TOMBSTONES) break;
      if (gone) this.#tombstones.delete(oldest);
    }
  }
}
