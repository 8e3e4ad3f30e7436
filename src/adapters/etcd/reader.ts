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

/** What is followed, and where it is shown. */
interface Following {
  readonly prefixes: readonly string[];
  readonly picture: WatchCache;
}

/**
 * Follows prefixes by a full read and a watch from the next revision, which ends at the first doubt; then from the
 * start. The watch goes on while the next full read is made, which may take long, and begins anew after it: so whatever
 * a watch can miss is missed for one resync at most.
 */
export class EtcdReader implements RegistryReader {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async watch(prefixes: readonly string[], observer: RegistryListener, signal: AbortSignal): Promise<void> {
    const following = { prefixes, picture: new WatchCache(observer) };
    let interruptions = 0;
    while (!signal.aborted) {
      const began = performance.now();
      await this.#followUntilDoubt(following, signal);
      const lasted = performance.now() - began;
      interruptions = lasted > PAUSE.max ? 1 : interruptions + 1;
      await sleep(backoff(interruptions, PAUSE), signal);
    }
  }

  async #followUntilDoubt(following: Following, signal: AbortSignal): Promise<void> {
    let after = await this.#read(following, signal);
    if (after) following.picture.replace(after);
    while (after && !signal.aborted) after = await this.#watchUntilNext(following, after, signal);
  }

  /** Watches until the next full read has been made and taken, and resolves to it; to undefined at the first doubt. */
  async #watchUntilNext(
    following: Following,
    after: Snapshot,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    const round = deriveAbort(signal);
    const watching = this.#watch(following, after, round.signal);
    const reading = this.#readWhenDue(following, after, round.signal);
    try {
      const next = await Promise.race([watching, reading]);
      if (next) following.picture.merge(next);
      return next;
    } finally {
      round.abort();
      round.dispose();
      await Promise.all([watching, reading]);
    }
  }

  /** Resolves at the first doubt. */
  async #watch({ prefixes, picture }: Following, after: Snapshot, signal: AbortSignal): Promise<undefined> {
    const { stall = DEFAULT_STALL } = this.#cluster.options;
    const settings = { prefixes, after, stall, signal };
    for await (const changes of watch(this.#cluster, settings)) picture.apply(changes);
  }

  /** The next full read; undefined where it fails, or tells of another history than the one that is watched. */
  async #readWhenDue(
    following: Following,
    after: Snapshot,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    const { resync = DEFAULT_RESYNC } = this.#cluster.options;
    await sleep(resync, signal);
    if (signal.aborted) return undefined;
    const { revision } = following.picture;
    const next = await this.#read(following, signal);
    const goesOn = next && next.clusterId === after.clusterId && next.revision >= revision;
    return goesOn ? next : undefined;
  }

  async #read({ prefixes, picture }: Following, signal: AbortSignal): Promise<Snapshot | undefined> {
    try {
      return await readSnapshot(this.#cluster, prefixes, signal);
    } catch (error) {
      if (!signal.aborted) picture.unavailable(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }
}
