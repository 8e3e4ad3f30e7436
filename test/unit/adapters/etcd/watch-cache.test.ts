import { describe, expect, it } from 'vitest';
import type { Change } from '../../../../src/adapters/etcd/watch.js';
import { WatchCache } from '../../../../src/adapters/etcd/watch-cache.js';
import type { KeyValue } from '../../../../src/core/ports.js';
import { fc } from '../../../support/property.js';
import { Recorder } from '../../../support/recorder.js';

function entries(...all: KeyValue[]): ReadonlyMap<string, KeyValue> {
  return new Map(all.map((entry) => [entry.key, entry]));
}

function snapshot(revision: number, ...all: KeyValue[]) {
  return { entries: entries(...all), revision, clusterId: 'c' };
}

function revisionOf(change: Change): number {
  return change.type === 'put' ? change.entry.revision : change.revision;
}

/** What happens in etcd, and what of it the cache is told. */
class Script {
  readonly truth = new Map<string, KeyValue>();
  readonly #cache: WatchCache;
  readonly #history: Change[] = [];
  #reading: ReturnType<typeof snapshot> | undefined;
  #revision = 1;

  constructor(cache: WatchCache) {
    this.#cache = cache;
    this.resync();
  }

  resync(): void {
    this.#cache.replace(snapshot(this.#revision, ...this.truth.values()));
  }

  beginRead(): void {
    this.#reading = snapshot(this.#revision, ...this.truth.values());
  }

  /** The watch cache takes what was read, and a new watch tells again what has happened since. */
  endRead(): void {
    if (!this.#reading) return;
    const { revision } = this.#reading;
    this.#cache.merge(this.#reading);
    const changes = this.#history.filter((change) => revisionOf(change) > revision);
    if (changes.length > 0) this.#cache.apply({ changes, revision: this.#revision });
    this.#reading = undefined;
  }

  write(writes: readonly { type: 'put' | 'delete'; key: string; value?: string }[]): void {
    const changes = writes.map(({ type, key, value = '' }): Change => {
      const revision = ++this.#revision;
      const entry = { key, value, revision };
      if (type === 'put') this.truth.set(key, entry);
      else this.truth.delete(key);
      return type === 'put' ? { type, entry } : { type, key, revision };
    });
    this.#history.push(...changes);
    this.#cache.apply({ changes, revision: this.#revision });
  }
}

/** What happens in etcd, of which the watch loses some. */
class Lossy {
  readonly #truth = new Map<string, KeyValue>();
  readonly #seen = new Recorder();
  readonly #cache = new WatchCache(this.#seen);
  #revision = 1;
  /** The revision at which the cache was right. */
  #proved = 1;
  #lost = 0;

  constructor() {
    this.#cache.replace(snapshot(1));
  }

  write(key: string, put: boolean, lost: boolean): void {
    const revision = ++this.#revision;
    const entry = { key, value: '', revision };
    if (put) this.#truth.set(key, entry);
    else this.#truth.delete(key);
    const change: Change = put ? { type: 'put', entry } : { type: 'delete', key, revision };
    if (lost) this.#lost++;
    else this.#cache.apply({ changes: [change], revision });
  }

  /** Whether the cache is proved; where it is not, it takes what a full read shows. */
  compare(): boolean {
    const [truth, revision] = [this.#truth, this.#revision];
    const written = [...truth.values()].filter((entry) => entry.revision > this.#proved);
    const shown = this.#seen.views.length;
    const proof = this.#cache.confirm({ written, keys: truth.size, revision, clusterId: 'c' });
    const holds = proof !== undefined;
    expect(holds || this.#lost > 0).toBe(true);
    if (proof) expect(proof.missed).toBe(this.#seen.views.length > shown);
    if (proof?.missed) expect(this.#lost).toBeGreaterThan(0);
    if (!holds) this.#cache.merge(snapshot(revision, ...truth.values()));
    expect(this.#seen.last?.entries).toEqual(truth);
    this.#proved = revision;
    this.#lost = 0;
    return holds;
  }
}

const a1: KeyValue = { key: 'a', value: '1', revision: 1 };
const a2: KeyValue = { key: 'a', value: '2', revision: 2 };
const b3: KeyValue = { key: 'b', value: '1', revision: 3 };

describe('WatchCache', () => {
  it('shows the first view, also an empty one', () => {
    const seen = new Recorder();
    new WatchCache(seen).replace(snapshot(7));
    expect(seen.views).toEqual([{ entries: new Map(), revision: 7, changed: new Set() }]);
  });

  it('shows no view in which nothing changed', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(1, a1));
    cache.replace(snapshot(9, a1));
    expect(seen.views).toHaveLength(1);
  });

  it('names the keys that appeared, changed and vanished', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(1, a1));
    cache.replace(snapshot(3, a2, b3));
    cache.replace(snapshot(4, b3));
    expect(seen.views.map(({ changed }) => [...changed])).toEqual([['a'], ['a', 'b'], ['a']]);
  });

  it('counts an older revision of the same keys as a change, since etcd was restored', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(2, a2));
    cache.replace(snapshot(1, a1));
    expect(seen.last).toMatchObject({ revision: 1, changed: new Set(['a']) });
  });

  it('shows changes that arrived together in one view', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(1));
    cache.apply({
      changes: [
        { type: 'put', entry: a2 },
        { type: 'put', entry: b3 },
      ],
      revision: 3,
    });
    expect(seen.views.slice(1)).toEqual([
      { entries: entries(a2, b3), revision: 3, changed: new Set(['a', 'b']) },
    ]);
  });

  it('keeps the events of the watch since a full read, and takes the rest from the read', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    const c4: KeyValue = { key: 'c', value: '1', revision: 4 };
    cache.replace(snapshot(3, a2, b3));
    cache.apply({ changes: [{ type: 'put', entry: c4 }], revision: 4 });
    cache.apply({ changes: [{ type: 'delete', key: 'b', revision: 5 }], revision: 5 });
    const missed: KeyValue = { key: 'd', value: '1', revision: 2 };

    cache.merge(snapshot(3, a2, b3, missed));

    expect(seen.last).toEqual({ entries: entries(a2, c4, missed), revision: 5, changed: new Set(['d']) });
  });

  it('ignores events that a new watch repeats', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(1));
    cache.apply({ changes: [{ type: 'put', entry: a2 }], revision: 2 });
    cache.apply({ changes: [{ type: 'delete', key: 'a', revision: 4 }], revision: 4 });
    const shown = seen.views.length;

    cache.merge(snapshot(1));
    cache.apply({ changes: [{ type: 'put', entry: a2 }], revision: 2 });

    expect(seen.views).toHaveLength(shown);
  });

  it('ignores events of a slow watch from before the read', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(1));
    cache.merge(snapshot(5));
    cache.apply({ changes: [{ type: 'put', entry: a2 }], revision: 2 });

    expect(seen.last?.entries.size).toBe(0);
  });

  it('reports once that etcd is unavailable, and shows a view when it is back', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(1, a1));
    cache.unavailable(new Error('first'));
    cache.unavailable(new Error('second'));
    cache.replace(snapshot(1, a1));
    cache.unavailable(new Error('third'));
    expect(seen.outages.map(({ message }) => message)).toEqual(['first', 'third']);
    expect(seen.views.map(({ changed }) => changed.size)).toEqual([1, 0]);
  });

  it('shows, at every step, views that differ exactly in the keys that they name', () => {
    const key = fc.constantFrom('a', 'b', 'c');
    const change = fc.oneof(
      fc.record({ type: fc.constant('put' as const), key, value: fc.constantFrom('1', '2') }),
      fc.record({ type: fc.constant('delete' as const), key }),
    );
    const step = fc.oneof(
      fc.record({ changes: fc.array(change, { minLength: 1, maxLength: 4 }) }),
      fc.constant('resync' as const),
      fc.constant('beginRead' as const),
      fc.constant('endRead' as const),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const seen = new Recorder();
        const etcd = new Script(new WatchCache(seen));
        for (const each of steps) {
          if (typeof each === 'string') etcd[each]();
          else etcd.write(each.changes);
        }
        etcd.resync();

        expect(seen.last?.entries).toEqual(etcd.truth);
        for (const [index, view] of seen.views.entries()) {
          const before = seen.views[index - 1]?.entries ?? new Map<string, KeyValue>();
          const differing = ['a', 'b', 'c'].filter((name) => before.get(name) !== view.entries.get(name));
          expect([...view.changed]).toEqual(expect.arrayContaining(differing));
        }
      }),
    );
  });

  it('is proved by what was written since and by how many keys there are, and only where it has missed no deletion', () => {
    const step = fc.oneof(
      fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), put: fc.boolean(), lost: fc.boolean() }),
      fc.constant('compare' as const),
    );
    const proofs = { held: 0, failed: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), (steps) => {
        const etcd = new Lossy();
        for (const each of [...steps, 'compare' as const]) {
          if (each !== 'compare') etcd.write(each.key, each.put, each.lost);
          else if (etcd.compare()) proofs.held++;
          else proofs.failed++;
        }
      }),
    );
    expect(proofs.held).toBeGreaterThan(0);
    expect(proofs.failed).toBeGreaterThan(0);
  });

  it('is not proved by an answer from before a change that it has taken', () => {
    const seen = new Recorder();
    const cache = new WatchCache(seen);
    cache.replace(snapshot(1, a1));
    cache.apply({ changes: [{ type: 'put', entry: b3 }], revision: 3 });
    expect(cache.confirm({ written: [], keys: 1, revision: 2, clusterId: 'c' })).toBeUndefined();
    expect([...(seen.last?.entries ?? [])]).toEqual([...entries(a1, b3)]);
    expect(cache.confirm({ written: [b3], keys: 2, revision: 3, clusterId: 'c' })).toEqual({
      missed: false,
    });
  });
});
