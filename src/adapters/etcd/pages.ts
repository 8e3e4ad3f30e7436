import type { IKeyValue, IRangeResponse } from 'etcd3';
import { EtcdError } from '../../core/errors.js';
import type { KeyValue } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { toEntry, withoutValue } from './key-values.js';
import { MAX_ANSWER } from './member.js';
import { PageSize } from './page-size.js';

/** A state of the store, which several requests can read. */
export interface At {
  readonly revision: number;
  /** Who answered: a revision means nothing in another cluster. */
  readonly clusterId: string;
}

interface KeyRange {
  readonly key: Buffer;
  readonly range_end: Buffer;
}

interface Page {
  readonly entries: readonly KeyValue[];
  /** The page's last key where more follow. */
  readonly last: Buffer | undefined;
}

/** How long a page may take, in ms. Only a single key that does not arrive in this time gets longer. */
const PAGE_TIMEOUT = 2000;
const MAX_PAGE_TIMEOUT = 60_000;

/** Reads ranges of keys page by page at one revision, in the order of their keys. */
export class PageReader {
  readonly #cluster: Cluster;
  readonly #at: At;
  readonly #answers: () => Promise<unknown>;
  readonly #signal: AbortSignal;
  readonly #size = new PageSize();

  /** @param answers A cheap request that rejects where etcd does not answer. */
  constructor(cluster: Cluster, at: At, answers: () => Promise<unknown>, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#at = at;
    this.#answers = answers;
    this.#signal = signal;
  }

  async *read({ key, range_end }: KeyRange): AsyncGenerator<readonly KeyValue[], void> {
    for (let from = key; ; ) {
      const { entries, last } = await this.#page({ key: from, range_end });
      yield entries;
      if (!last) return;
      // The next possible key.
      from = Buffer.concat([last, Buffer.of(0)]);
    }
  }

  /** One page: smaller ones are tried until one arrives. */
  async #page(range: KeyRange): Promise<Page> {
    for (let timeout = PAGE_TIMEOUT; ; ) {
      try {
        return await this.#fullPage(range, timeout);
      } catch (error) {
        const code = await this.#excess(error);
        if (this.#size.shrink()) continue;
        if (code === 'TOO_LARGE') return this.#pageWithoutValue(range);
        if (timeout >= MAX_PAGE_TIMEOUT) throw error;
        timeout = Math.min(timeout * 4, MAX_PAGE_TIMEOUT);
      }
    }
  }

  async #fullPage(range: KeyRange, timeout: number): Promise<Page> {
    const began = performance.now();
    const { kvs, more } = await this.#request(range, { limit: this.#size.keys }, timeout);
    const bytes = kvs.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
    this.#size.record({ keys: kvs.length, bytes, took: performance.now() - began });
    return { entries: kvs.map(toEntry), last: lastKey(kvs, more) };
  }

  /** In which way a page was too large for one answer; throws `error` where it failed for another reason. */
  async #excess(error: unknown): Promise<'TOO_LARGE' | 'TIMEOUT'> {
    if (!(error instanceof EtcdError)) throw error;
    if (error.code === 'TOO_LARGE') return error.code;
    if (error.code !== 'TIMEOUT') throw error;
    // An etcd that does not answer at all is an outage, and not a page that is too large.
    await this.#answers();
    return error.code;
  }

  /** A page of one key whose value is larger than an answer may be. */
  async #pageWithoutValue(range: KeyRange): Promise<Page> {
    const { kvs, more } = await this.#request(range, { limit: 1, keys_only: true }, PAGE_TIMEOUT);
    return { entries: kvs.map((kv) => withoutValue(kv, MAX_ANSWER)), last: lastKey(kvs, more) };
  }

  async #request(
    range: KeyRange,
    what: { limit: number; keys_only?: true },
    timeout: number,
  ): Promise<IRangeResponse> {
    const { revision, clusterId } = this.#at;
    const answer = await this.#cluster.callAny(
      (client, options) => client.kv.range({ ...range, ...what, revision }, options),
      { signal: this.#signal, patience: timeout },
    );
    if (answer.header.cluster_id === clusterId) return answer;
    throw new EtcdError('COMPACTED', 'etcd: another cluster answered in the middle of a read');
  }
}

function lastKey(kvs: readonly IKeyValue[], more: boolean): Buffer | undefined {
  return more ? kvs.at(-1)?.key : undefined;
}
