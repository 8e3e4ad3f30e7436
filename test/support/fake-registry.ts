/** An etcd in memory, for tests that need no network: leases on a clock the test moves, and faults it switches on. */
import { EtcdError, LeaseGoneError } from '../../src/core/errors.js';
import {
  type Committed,
  type KeyValue,
  type LeaseId,
  MAX_VALUE_BYTES,
  type PutOptions,
  type RegistryClient,
  type RegistryListener,
  type RegistryReader,
  type RegistrySnapshot,
  type Transaction,
} from '../../src/core/ports.js';

interface Lease {
  readonly ttl: number;
  expires: number;
}

interface Follower {
  readonly prefixes: readonly string[];
  readonly observer: RegistryListener;
  /** Whether the observer knows that it is away, and then whether that is a refusal. */
  away: boolean | undefined;
  /** What the observer was last shown. */
  known: ReadonlyMap<string, KeyValue>;
}

/**
 * What the fake does to the calls: nothing; be out of reach; answer none of them; take nothing more, for its store is
 * full; allow nothing; or not let this user in.
 */
export type Fault = 'none' | 'down' | 'frozen' | 'full' | 'denied' | 'locked-out';

const ERRORS: Partial<Record<Fault, () => EtcdError>> = {
  down: () => new EtcdError('UNREACHABLE', 'the fake registry is down'),
  frozen: () => new EtcdError('TIMEOUT', 'the fake registry does not answer'),
  full: () => new EtcdError('NO_SPACE', 'etcdserver: mvcc: database space exceeded'),
  denied: () => new EtcdError('DENIED', 'etcdserver: permission denied'),
  'locked-out': () => new EtcdError('AUTH_FAILED', 'etcdserver: authentication failed'),
};

export class FakeRegistry implements RegistryReader, RegistryClient {
  #entries = new Map<string, KeyValue>();
  #leases = new Map<LeaseId, Lease>();
  #followers = new Set<Follower>();
  #frozen = new Set<() => void>();
  #fault: Fault = 'none';
  #now: number;
  #revision = 1;
  #nextLease = 1000;
  /** Every call that reached the store, in order: `put /services/…`, `grant`, `keepAlive 1000`. */
  readonly calls: string[] = [];

  /** @param now Milliseconds since the epoch at which the fake's clock stands until it is moved. */
  constructor(now = 0) {
    this.#now = now;
  }

  // --- what a test does to it -------------------------------------------------------------------------------------

  get revision(): number {
    return this.#revision;
  }

  /** Moves the clock, and ends the leases whose time is over by then. */
  advance(ms: number): void {
    this.#now += ms;
    for (const [id, lease] of this.#leases) if (lease.expires <= this.#now) this.#end(id);
    this.#publish();
  }

  /** Sets the fault; `none` mends it, and followers are shown what they missed. */
  fault(fault: Fault): void {
    this.#fault = fault;
    for (const thaw of this.#frozen) thaw();
    this.#frozen.clear();
    this.#publish();
  }

  /** Writes a key as somebody else would, also while a fault is on. Returns the revision. */
  write(key: string, value: string, lease?: LeaseId): number {
    if (lease !== undefined && !this.#leases.has(lease)) throw new LeaseGoneError(lease);
    const revision = ++this.#revision;
    const created = this.#entries.get(key)?.created ?? revision;
    this.#entries.set(key, { key, value, revision, created, ...(lease === undefined ? {} : { lease }) });
    this.#publish();
    return revision;
  }

  /** Deletes a key as somebody else would. */
  delete(key: string): boolean {
    if (!this.#entries.delete(key)) return false;
    this.#revision++;
    this.#publish();
    return true;
  }

  /** Ends a lease at once, as `etcdctl lease revoke` does. */
  expire(lease: LeaseId): void {
    this.#end(lease);
    this.#publish();
  }

  /** A lease of somebody else's. */
  lease(ttl = 60_000): LeaseId {
    const id = String(this.#nextLease++);
    this.#leases.set(id, { ttl, expires: this.#now + ttl });
    return id;
  }

  /** What it holds, to go back to with `restore`, as with a snapshot of etcd. */
  snapshot(): () => void {
    const [entries, leases, revision] = [new Map(this.#entries), new Map(this.#leases), this.#revision];
    return () => {
      this.#entries = new Map(entries);
      // A restored etcd gives every lease its full time again.
      this.#leases = new Map(
        [...leases].map(([id, { ttl }]) => [id, { ttl, expires: this.#now + ttl }] as const),
      );
      this.#revision = revision;
      this.#publish();
    };
  }

  get(key: string): KeyValue | undefined {
    return this.#entries.get(key);
  }

  keys(): string[] {
    return [...this.#entries.keys()].sort();
  }

  leases(): LeaseId[] {
    return [...this.#leases.keys()];
  }

  // --- RegistryReader ---------------------------------------------------------------------------------------------

  watch(prefixes: readonly string[], observer: RegistryListener, signal: AbortSignal): Promise<void> {
    const follower: Follower = { prefixes, observer, away: undefined, known: new Map() };
    if (signal.aborted) return Promise.resolve();
    this.#followers.add(follower);
    // As with a real etcd, nothing is seen before the caller has got its promise.
    queueMicrotask(() => this.#show(follower, true));
    return new Promise((resolve) => {
      signal.addEventListener(
        'abort',
        () => {
          this.#followers.delete(follower);
          resolve();
        },
        { once: true },
      );
    });
  }

  // --- RegistryStore ----------------------------------------------------------------------------------------------

  list(prefix: string, signal: AbortSignal): Promise<readonly KeyValue[]> {
    return this.#call(`list ${prefix}`, signal, () =>
      [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix)).map(asKept),
    );
  }

  read(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, KeyValue>> {
    return this.#call(`read ${keys.length}`, signal, () => {
      const found = new Map<string, KeyValue>();
      for (const key of keys) {
        const entry = this.#entries.get(key);
        if (entry) found.set(key, entry);
      }
      return found;
    });
  }

  currentRevision(key: string, signal: AbortSignal): Promise<number> {
    return this.#call(`currentRevision ${key}`, signal, () => this.#revision);
  }

  put(key: string, value: string, { lease }: PutOptions, signal: AbortSignal): Promise<number> {
    return this.#call(`put ${key}`, signal, () => this.write(key, value, lease));
  }

  remove(key: string, { lease }: PutOptions, signal: AbortSignal): Promise<boolean> {
    return this.#call(`remove ${key}`, signal, () => {
      if (lease !== undefined && this.#entries.get(key)?.lease !== lease) return false;
      return this.delete(key);
    });
  }

  commit({ expected, puts, deletes = [] }: Transaction, signal: AbortSignal): Promise<Committed> {
    return this.#call(`put ${[...puts.keys()].join(' ')}`, signal, () => {
      const found = [...expected.keys()].flatMap((key) => this.#entries.get(key) ?? []);
      const current = new Map(found.map((keyValue) => [keyValue.key, keyValue]));
      for (const [key, revision] of expected) {
        if ((current.get(key)?.revision ?? 0) !== revision) return { committed: false, current };
      }
      // One revision for all of it, as etcd does.
      const revision = this.#revision + 1;
      for (const [key, value] of puts) {
        const created = this.#entries.get(key)?.created ?? revision;
        this.#entries.set(key, { key, value, revision, created });
      }
      for (const key of deletes) this.#entries.delete(key);
      this.#revision = revision;
      this.#publish();
      return { committed: true, revision };
    });
  }

  grant(ttl: number, signal: AbortSignal): Promise<LeaseId> {
    return this.#call('grant', signal, () => this.lease(Math.max(1000, Math.ceil(ttl / 1000) * 1000)));
  }

  keepAlive(id: LeaseId, signal: AbortSignal): Promise<void> {
    return this.#call(`keepAlive ${id}`, signal, () => {
      const lease = this.#leases.get(id);
      if (!lease) throw new LeaseGoneError(id);
      lease.expires = this.#now + lease.ttl;
    });
  }

  leaseExists(id: LeaseId, signal: AbortSignal): Promise<boolean> {
    return this.#call(`leaseExists ${id}`, signal, () => this.#leases.has(id));
  }

  revoke(lease: LeaseId, signal: AbortSignal): Promise<void> {
    return this.#call(`revoke ${lease}`, signal, () => this.expire(lease));
  }

  // --- inside -----------------------------------------------------------------------------------------------------

  async #call<T>(name: string, signal: AbortSignal, answer: () => T): Promise<T> {
    signal.throwIfAborted();
    while (this.#fault === 'frozen') await this.#thawed(signal);
    // What is full can still be read, and emptied.
    const error = this.#fault === 'full' && !/^(put|grant)/.test(name) ? undefined : ERRORS[this.#fault]?.();
    if (error) throw error;
    // An answer never comes within the caller's own turn.
    await Promise.resolve();
    signal.throwIfAborted();
    this.calls.push(name);
    return answer();
  }

  #thawed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#frozen.delete(thaw);
        reject(signal.reason);
      };
      const thaw = () => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#frozen.add(thaw);
    });
  }

  #end(lease: LeaseId): void {
    if (!this.#leases.delete(lease)) return;
    for (const entry of this.#entries.values()) {
      if (entry.lease !== lease) continue;
      this.#entries.delete(entry.key);
      this.#revision++;
    }
  }

  #publish(): void {
    for (const follower of this.#followers) this.#show(follower, false);
  }

  #show(follower: Follower, first: boolean): void {
    if (!this.#followers.has(follower)) return;
    const error = this.#fault === 'full' ? undefined : ERRORS[this.#fault]?.();
    if (error) {
      if (follower.away !== error.refused) follower.observer.onUnavailable(error);
      follower.away = error.refused;
      return;
    }
    const view = this.#view(follower);
    if (view.changed.size === 0 && !first && follower.away === undefined) return;
    follower.away = undefined;
    follower.known = view.entries;
    const entries = new Map([...view.entries].map(([key, entry]) => [key, asKept(entry)]));
    follower.observer.onSnapshot({ ...view, entries });
  }

  #view({ prefixes, known }: Follower): RegistrySnapshot {
    const entries = new Map([...this.#entries].filter(([key]) => prefixes.some((p) => key.startsWith(p))));
    const changed = new Set<string>();
    for (const [key, entry] of entries) if (known.get(key) !== entry) changed.add(key);
    for (const key of known.keys()) if (!entries.has(key)) changed.add(key);
    return { entries, changed, revision: this.#revision };
  }
}

/** An entry as a reader of prefixes keeps it. */
function asKept(entry: KeyValue): KeyValue {
  const length = Buffer.byteLength(entry.value);
  return length > MAX_VALUE_BYTES ? { ...entry, value: '', oversized: length } : entry;
}
