import { setTimeout as delay } from 'node:timers/promises';
import { EtcdError } from '../../core/errors.js';
import type { Observer, RegistryReader } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import type { EtcdOptions } from './options.js';
import { Picture } from './picture.js';
import { readSnapshot, type Snapshot } from './snapshot.js';
import { watch } from './watch.js';

const MIN_PAUSE = 100;
const MAX_PAUSE = 2000;

/**
 * Follows prefixes by a full read and a watch from the next revision, which ends at the first doubt and at the latest
 * when the next full read is due; then from the start. So whatever a watch can miss is missed for one resync at most.
 */
export class EtcdReader implements RegistryReader {
  readonly #cluster: Cluster;
  readonly #resync: number;
  readonly #stall: number;

  constructor(cluster: Cluster, { resync = 30_000, stall = 10_000 }: EtcdOptions) {
    this.#cluster = cluster;
    this.#resync = resync;
    this.#stall = stall;
  }

  async follow(prefixes: readonly string[], observer: Observer, signal: AbortSignal): Promise<void> {
    const picture = new Picture(observer);
    let pause = 0;
    while (!signal.aborted) {
      const began = performance.now();
      const outcome = await this.#round(prefixes, picture, signal);
      const lasted = performance.now() - began;
      if (outcome === 'due') pause = 0;
      else pause = lasted > MAX_PAUSE ? MIN_PAUSE : Math.min(Math.max(pause * 2, MIN_PAUSE), MAX_PAUSE);
      await rest(pause * (0.5 + Math.random() / 2), signal);
    }
  }

  /** One full read and the watch after it; `due` when that went well until the next one. */
  async #round(prefixes: readonly string[], picture: Picture, signal: AbortSignal): Promise<'due' | 'doubt'> {
    const round = new AbortController();
    const end = () => round.abort();
    signal.addEventListener('abort', end, { once: true });
    const timer = setTimeout(end, this.#resync);
    try {
      const after = await this.#read(prefixes, picture, signal);
      if (!after) return 'doubt';
      picture.replace(after);
      const settings = { prefixes, after, stall: this.#stall, signal: round.signal };
      for await (const changes of watch(this.#cluster, settings)) picture.apply(changes);
      return round.signal.aborted ? 'due' : 'doubt';
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    }
  }

  /** A full read. Only when no member can give it is etcd away: one that is frozen is not all of them. */
  async #read(
    prefixes: readonly string[],
    picture: Picture,
    signal: AbortSignal,
  ): Promise<Snapshot | undefined> {
    for (let tried = 1; ; tried++) {
      try {
        return await readSnapshot(this.#cluster, prefixes, signal);
      } catch (error) {
        if (signal.aborted) return undefined;
        if (isRetryable(error) && tried < this.#cluster.size) continue;
        picture.away(error instanceof Error ? error : new Error(String(error)));
        return undefined;
      }
    }
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof EtcdError && error.retryable;
}

/** Waits, or returns early when the signal is aborted. */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => undefined);
}
