import type { Entry, Observer } from '../../core/ports.js';
import { sameEntry } from './entries.js';
import type { Snapshot } from './snapshot.js';
import type { Changes } from './watch.js';

/** What is known of the followed prefixes, and what of it the observer has been shown. */
export class Picture {
  readonly #observer: Observer;
  #entries = new Map<string, Entry>();
  #changed = new Set<string>();
  #revision = 0;
  #state: 'new' | 'current' | 'away' = 'new';

  constructor(observer: Observer) {
    this.#observer = observer;
  }

  /** Takes a whole new picture, whatever the old one was. */
  replace({ entries, revision }: Snapshot): void {
    for (const [key, entry] of entries) {
      if (!sameEntry(this.#entries.get(key), entry)) this.#changed.add(key);
    }
    for (const key of this.#entries.keys()) if (!entries.has(key)) this.#changed.add(key);
    this.#entries = new Map(entries);
    this.#revision = revision;
    if (this.#changed.size > 0 || this.#state !== 'current') this.#show();
  }

  /** Takes changes; what has arrived together is shown together. */
  apply({ changes, revision, more }: Changes): void {
    for (const change of changes) {
      if (change.type === 'put') this.#entries.set(change.entry.key, change.entry);
      else this.#entries.delete(change.key);
      this.#changed.add(change.type === 'put' ? change.entry.key : change.key);
    }
    this.#revision = Math.max(this.#revision, revision);
    if (!more) this.#show();
  }

  away(error: Error): void {
    if (this.#state === 'away') return;
    this.#state = 'away';
    this.#observer.away(error);
  }

  #show(): void {
    const changed = this.#changed;
    this.#changed = new Set();
    this.#state = 'current';
    this.#observer.view({ entries: new Map(this.#entries), revision: this.#revision, changed });
  }
}
