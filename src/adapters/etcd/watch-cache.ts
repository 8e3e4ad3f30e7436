import { conditionOf, type EtcdState } from '../../core/etcd-state.js';
import type { KeyValue, RegistryListener } from '../../core/ports.js';
import { sameEntry } from './key-values.js';
import type { Snapshot } from './snapshot.js';
import type { Change, Changes } from './watch.js';

/** What is known of the followed prefixes, and what of it the observer has been shown. */
export class WatchCache {
  readonly #observer: RegistryListener;
  #entries = new Map<string, KeyValue>();
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

  /** The revision up to which the picture is true. */
  get revision(): number {
    return this.#revision;
  }

  /** Takes a whole new picture, whatever the old one was. */
  replace({ entries, revision }: Snapshot): void {
    this.#deleted.clear();
    this.#take(new Map(entries), revision, revision);
  }

  /**
   * Takes a full read of the same history that was made while changes went on arriving: for each key, the later word
   * counts, be it the reading's or the watch's.
   */
  merge({ entries, revision }: Snapshot): void {
    const merged = new Map<string, KeyValue>();
    for (const [key, entry] of entries) {
      if ((this.#deleted.get(key) ?? 0) <= revision) merged.set(key, entry);
    }
    for (const [key, entry] of this.#entries) if (entry.revision > revision) merged.set(key, entry);
    for (const [key, deleted] of this.#deleted) if (deleted <= revision) this.#deleted.delete(key);
    this.#take(merged, revision, Math.max(this.#revision, revision));
  }

  /** Takes changes; what has arrived together is shown together. What is known already, or is outdated, is passed over. */
  apply({ changes, revision, more }: Changes): void {
    for (const change of changes) this.#apply(change);
    this.#revision = Math.max(this.#revision, revision);
    if (!more && this.#changed.size > 0) this.#show();
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

  #take(entries: Map<string, KeyValue>, base: number, revision: number): void {
    for (const [key, entry] of entries) {
      if (!sameEntry(this.#entries.get(key), entry)) this.#changed.add(key);
    }
    for (const key of this.#entries.keys()) if (!entries.has(key)) this.#changed.add(key);
    this.#entries = entries;
    this.#base = base;
    this.#revision = revision;
    if (this.#changed.size > 0 || this.#state !== 'connected') this.#show();
  }

  #show(): void {
    const changed = this.#changed;
    this.#changed = new Set();
    this.#state = 'connected';
    this.#observer.onSnapshot({ entries: new Map(this.#entries), revision: this.#revision, changed });
  }
}
