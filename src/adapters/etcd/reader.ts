import { deriveAbort } from '../../async/abort.js';
import { backoff } from '../../async/backoff.js';
import { sleep } from '../../async/sleep.js';
import type { RegistryListener, RegistryReader } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { DEFAULT_RESYNC } from './options.js';
import type { At } from './pages.js';
import { readSnapshot, type Snapshot } from './snapshot.js';
import { watch } from './watch.js';
import { WatchCache } from './watch-cache.js';
import { readWrittenSince } from './written-since.js';

/** The pause before etcd is read again after an interruption, in ms. */
const PAUSE = { min: 100, max: 2000 };
const DEFAULT_STALL = 10_000;

/** How often in a row the copy is proved by what was written since, before it is read in full again. */
const PROOFS = 9;
/** The most bytes of values that etcd is to go through for one such answer: it holds them all in memory. */
const MOST_PROVED = 16 * 2 ** 20;

/** The prefixes that are watched, and their local copy. */
interface Watched {
  readonly prefixes: readonly string[];
  readonly cache: WatchCache;
}

/** A state of the copy that was proved to be etcd's. */
interface Proved extends At {
  /** How many proofs have followed the last full read. */
  readonly proofs: number;
}

/**
 * Keeps a copy of some prefixes: reads them in full, watches from the next revision, and starts again when the watch is
 * interrupted. Every `resync` ms it also compares the copy with etcd although nothing was interrupted, while the watch goes
 * on, so that an event that a watch has missed is missing for one resync at most. For that it asks what was written since,
 * and reads in full where the answer leaves any doubt.
 */
export class EtcdReader implements RegistryReader {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async watch(prefixes: readonly string[], observer: RegistryListener, signal: AbortSignal): Promise<void> {
    const watched = { prefixes, cache: new WatchCache(observer) };
    let interruptions = 0;
    while (!signal.aborted) {
      const began = performance.now();
      await this.#listAndWatch(watched, signal);
      const lasted = performance.now() - began;
      interruptions = lasted > PAUSE.max ? 1 : interruptions + 1;
      await sleep(backoff(interruptions, PAUSE), signal);
    }
  }

  /** Resolves when the read fails or the watch is interrupted. */
  async #listAndWatch(watched: Watched, signal: AbortSignal): Promise<void> {
    const first = await this.#read(watched, signal);
    if (first) watched.cache.replace(first);
    let after = first && afterReading(first);
    while (after && !signal.aborted) after = await this.#watchUntilResync(watched, after, signal);
  }

  /** Watches until the copy has been compared with etcd; resolves to undefined when the watch is interrupted. */
  async #watchUntilResync(watched: Watched, after: Proved, signal: AbortSignal): Promise<Proved | undefined> {
    const derived = deriveAbort(signal);
    const watching = this.#watch(watched, after, derived.signal);
    const comparing = this.#resync(watched, after, derived.signal);
    try {
      return await Promise.race([watching, comparing]);
    } finally {
      derived.abort();
      derived.dispose();
      await Promise.all([watching, comparing]);
    }
  }

  /** Resolves when the watch is interrupted. */
  async #watch({ prefixes, cache }: Watched, after: At, signal: AbortSignal): Promise<undefined> {
    const { stall = DEFAULT_STALL } = this.#cluster.options;
    const settings = { prefixes, after, stall, signal };
    for await (const changes of watch(this.#cluster, settings)) cache.apply(changes);
  }

  /**
   * Compares the copy with etcd until a watch is to begin anew: after a full read, or where the watch has not told something.
   * Undefined where that fails, or etcd shows another history than the one that is watched.
   */
  async #resync(watched: Watched, after: Proved, signal: AbortSignal): Promise<Proved | undefined> {
    const { resync = DEFAULT_RESYNC } = this.#cluster.options;
    for (let proved = after; ; ) {
      await sleep(resync, signal);
      if (signal.aborted) return undefined;
      const next = await this.#prove(watched, proved, signal);
      if (!next) return this.#readAgain(watched, after, signal);
      if (next.missed) return next;
      proved = next;
    }
  }

  async #readAgain(watched: Watched, after: At, signal: AbortSignal): Promise<Proved | undefined> {
    const { cache } = watched;
    const { revision } = cache;
    const next = await this.#read(watched, signal);
    const sameHistory = next && next.clusterId === after.clusterId && next.revision >= revision;
    if (!sameHistory || signal.aborted) return undefined;
    cache.merge(next);
    return afterReading(next);
  }

  /** Proves the copy by what was written since; undefined where that leaves a doubt, also whether etcd answers. */
  async #prove(
    { prefixes, cache }: Watched,
    after: Proved,
    signal: AbortSignal,
  ): Promise<(Proved & { readonly missed: boolean }) | undefined> {
    if (after.proofs >= PROOFS || cache.size > MOST_PROVED) return undefined;
    // The full read that follows tells what is wrong.
    const answer = await readWrittenSince(this.#cluster, prefixes, after, signal).catch(() => undefined);
    if (signal.aborted || answer?.clusterId !== after.clusterId) return undefined;
    const proof = cache.confirm(answer);
    const { revision, clusterId } = answer;
    return proof && { revision, clusterId, proofs: after.proofs + 1, missed: proof.missed };
  }

  async #read({ prefixes, cache }: Watched, signal: AbortSignal): Promise<Snapshot | undefined> {
    try {
      return await readSnapshot(this.#cluster, prefixes, signal);
    } catch (error) {
      if (!signal.aborted) cache.unavailable(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }
}

/** Without what was read: the copy has that. */
function afterReading({ revision, clusterId }: Snapshot): Proved {
  return { revision, clusterId, proofs: 0 };
}
