import { conditionOf, type EtcdState } from '../../core/etcd-state.js';
import type { KeyValue, RegistryListener } from '../../core/ports.js';
import { sameEntry } from './key-values.js';
import type { Snapshot } from './snapshot.js';
import type { Change, Changes } from './watch.js';
import type { WrittenSince } from './written-since.js';

/**
 * The local copy of the watched prefixes. There is one map, changed in place: a change among ten thousand keys costs what
 * one change costs, and the listener reads the map itself.
 */
export class WatchCache {
  readonly #observer: RegistryListener;
  readonly #entries = new Map<string, KeyValue>();
  /** Keys that were deleted since the last full read was made, each with the revision of its deletion. */
  #deleted = new Map<string, number>();
  /** The revision of the last full read: what the watch tells of before it is old. */
  #base = 0;
  #changed = new Set<string>();
  #revision = 0;
  #state: 'new' | EtcdState = 'new';

  constructor(observer: RegistryListener) {
    this.#observer = observer;
  }

  /** The revision up to which the copy is true. */
  get revision(): number {
    return this.#revision;
  }

  /** How many bytes its values have, at least; of those that are too long to be kept, too. */
  get size(): number {
    let size = 0;
    for (const { value, oversized } of this.#entries.values()) size += oversized ?? value.length;
    return size;
  }

  /** Takes a snapshot in place of whatever was known. */
  replace({ entries, revision }: Snapshot): void {
    this.#deleted.clear();
    this.#take(entries, () => true, revision);
    this.#revision = revision;
    this.#showIfNew();
    this.#observer.onRead?.();
  }

  /**
   * Takes a full read of the same history that was made while changes went on arriving: of each key the later revision
   * counts, whether the read or the watch brought it.
   */
  merge({ entries, revision }: Snapshot): void {
    const isOlder = (at: number | undefined) => at === undefined || at <= revision;
    this.#take(
      entries,
      (key) => isOlder(this.#entries.get(key)?.revision ?? this.#deleted.get(key)),
      revision,
    );
    for (const [key, deleted] of this.#deleted) if (deleted <= revision) this.#deleted.delete(key);
    this.#revision = Math.max(this.#revision, revision);
    this.#showIfNew();
    this.#observer.onRead?.();
  }

  /**
   * Takes what was written since the last full read, and tells whether the watch had missed any of it; undefined where the
   * copy is not proved to be what etcd has. It has every key that etcd has: those of the last full read but for deleted ones,
   * and all that were written later. So it has no other key where it has no more of them. Where changes have arrived that are
   * newer than the answer, nothing is proved.
   */
  confirm({ written, keys, revision }: WrittenSince): { readonly missed: boolean } | undefined {
    if (this.#revision > revision) return undefined;
    for (const entry of written) this.#apply({ type: 'put', entry });
    const missed = this.#changed.size > 0;
    this.#revision = revision;
    this.#showIfNew();
    if (this.#entries.size !== keys) return undefined;
    this.#deleted.clear();
    this.#base = revision;
    this.#observer.onRead?.();
    return { missed };
  }

  /** Takes changes, and shows them together. What is known already, or is outdated, is passed over. */
  apply({ changes, revision }: Changes): void {
    for (const change of changes) this.#apply(change);
    this.#revision = Math.max(this.#revision, revision);
    if (this.#changed.size > 0) this.#show();
  }

  unavailable(error: Error): void {
    const { state } = conditionOf(error);
    if (this.#state === state) return;
    this.#state = state;
    this.#observer.onUnavailable(error);
  }

  #apply(change: Change): void {
    const [key, revision] =
      change.type === 'put' ? [change.entry.key, change.entry.revision] : [change.key, change.revision];
    const known = this.#entries.get(key)?.revision ?? this.#deleted.get(key) ?? 0;
    if (revision <= Math.max(this.#base, known)) return;
    if (change.type === 'put') {
      this.#entries.set(key, change.entry);
      this.#deleted.delete(key);
    } else {
      this.#entries.delete(key);
      this.#deleted.set(key, revision);
    }
    this.#changed.add(key);
  }

  /** Takes from a snapshot what it says of the keys that it may decide about; keys that it does not have are gone. */
  #take(entries: Snapshot['entries'], decides: (key: string) => boolean, base: number): void {
    for (const [key, entry] of entries) {
      if (!decides(key) || sameEntry(this.#entries.get(key), entry)) continue;
      this.#entries.set(key, entry);
      this.#changed.add(key);
    }
    for (const key of this.#entries.keys()) {
      if (entries.has(key) || !decides(key)) continue;
      this.#entries.delete(key);
      this.#changed.add(key);
    }
    this.#base = base;
  }

  #showIfNew(): void {
    if (this.#changed.size > 0 || this.#state !== 'connected') this.#show();
  }

  #show(): void {
    const changed = this.#changed;
    this.#changed = new Set();
    this.#state = 'connected';
    this.#observer.onSnapshot({ entries: this.#entries, revision: this.#revision, changed });
  }
}
