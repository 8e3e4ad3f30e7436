import { deriveAbort } from '../../async/abort.js';
import { backoff } from '../../async/backoff.js';
import { sleep } from '../../async/sleep.js';
import type { RegistryListener, RegistryReader } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { DEFAULT_RESYNC } from './options.js';
import { readSnapshot, type Snapshot } from './snapshot.js';
import { watch } from './watch.js';
import { WatchCache } from './watch-cache.js';

/** The pause before etcd is read again after an interruption, in ms. */
const PAUSE = { min: 100, max: 2000 };
const DEFAULT_STALL = 10_000;

/** The prefixes that are watched, and their local copy. */
interface Watched {
  readonly prefixes: readonly string[];
  readonly cache: WatchCache;
}

/**
 * Keeps a copy of some prefixes: reads them in full, watches from the next revision, and starts again when the watch is
 * interrupted. Every `resync` ms it also reads in full although nothing was interrupted, while the watch goes on, so that
 * an event that a watch has missed is missing for one resync at most.
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
    let after = await this.#read(watched, signal);
    if (after) watched.cache.replace(after);
    while (after && !signal.aborted) after = await this.#watchUntilResync(watched, after, signal);
  }

  /** Watches until the next full read is in the cache, and resolves to it; to undefined when the watch is interrupted. */
  async #watchUntilResync(
    watched: Watched,
    after: Snapshot,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    const derived = deriveAbort(signal);
    const watching = this.#watch(watched, after, derived.signal);
    const reading = this.#resync(watched, after, derived.signal);
    try {
      const next = await Promise.race([watching, reading]);
      if (next) watched.cache.merge(next);
      return next;
    } finally {
      derived.abort();
      derived.dispose();
      await Promise.all([watching, reading]);
    }
  }

  /** Resolves when the watch is interrupted. */
  async #watch({ prefixes, cache }: Watched, after: Snapshot, signal: AbortSignal): Promise<undefined> {
    const { stall = DEFAULT_STALL } = this.#cluster.options;
    const settings = { prefixes, after, stall, signal };
    for await (const changes of watch(this.#cluster, settings)) cache.apply(changes);
  }

  /** The next full read; undefined where it fails, or shows another history than the one that is watched. */
  async #resync(watched: Watched, after: Snapshot, signal: AbortSignal): Promise<Snapshot | undefined> {
    const { resync = DEFAULT_RESYNC } = this.#cluster.options;
    await sleep(resync, signal);
    if (signal.aborted) return undefined;
    const { revision } = watched.cache;
    const next = await this.#read(watched, signal);
    const sameHistory = next && next.clusterId === after.clusterId && next.revision >= revision;
    return sameHistory ? next : undefined;
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
