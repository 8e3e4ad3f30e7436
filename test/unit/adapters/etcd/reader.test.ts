import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../../src/adapters/etcd/cluster.js';
import { EtcdReader } from '../../../../src/adapters/etcd/reader.js';
import type { RegistrySnapshot } from '../../../../src/core/ports.js';
import { openWatchStream } from '../../../support/etcd-watch-stream.js';

const PREFIX = '/services/';
const KEY = `${PREFIX}a/10.0.0.1:80`;

interface RangeRequest {
  readonly limit?: number;
  readonly min_mod_revision?: number;
}

/** An etcd of one prefix that answers reads; its watches tell nothing of themselves. */
class FakeEtcd {
  /** The watches that were opened. */
  readonly watches: Readable[] = [];
  readonly #keys = new Map<string, number>();
  #revision = 1;

  put(key: string): void {
    this.#keys.set(key, ++this.#revision);
  }

  get cluster(): Cluster {
    const client = {
      kv: {
        txn: ({ success }: { success: readonly { request_range: RangeRequest }[] }) => ({
          header: this.#header,
          responses: success.map(({ request_range }) => ({ response_range: this.#range(request_range) })),
        }),
        range: (request: RangeRequest) => ({ header: this.#header, ...this.#range(request) }),
      },
    };
    return {
      options: { resync: 1 },
      call: () => {
        const stream = openWatchStream();
        this.watches.push(stream);
        return Promise.resolve(stream);
      },
      callAny: (ask: (of: typeof client, options: object) => unknown) => Promise.resolve(ask(client, {})),
    } as unknown as Cluster;
  }

  get #header() {
    return { cluster_id: '1', revision: String(this.#revision) };
  }

  #range({ limit = Number.POSITIVE_INFINITY, min_mod_revision = 0 }: RangeRequest) {
    const found = [...this.#keys].filter(([, revision]) => revision >= min_mod_revision).slice(0, limit);
    const kvs = found.map(([key, revision]) => ({
      key: Buffer.from(key),
      value: Buffer.from('{}'),
      mod_revision: String(revision),
    }));
    return { kvs, count: String(this.#keys.size), more: false };
  }
}

/** What a listener is told, and who waits for it. */
class Listener {
  reads = 0;
  keys: ReadonlySet<string> = new Set();
  #told: () => void = () => {};

  onSnapshot({ entries }: RegistrySnapshot): void {
    this.keys = new Set(entries.keys());
    this.#told();
  }

  onUnavailable(): void {}

  onRead(): void {
    this.reads++;
    this.#told();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }
}

describe('EtcdReader', () => {
  const stop = new AbortController();
  let running = Promise.resolve();

  function start() {
    const etcd = new FakeEtcd();
    const listener = new Listener();
    running = new EtcdReader(etcd.cluster).watch([PREFIX], listener, stop.signal);
    return { etcd, listener };
  }

  afterEach(async () => {
    stop.abort();
    await running;
  });

  it('keeps its watch while it has told all that was written, and opens another one where it has missed something', async () => {
    const { etcd, listener } = start();
    await listener.until(() => listener.reads >= 5);
    expect(etcd.watches).toHaveLength(1);

    etcd.put(KEY);
    await listener.until(() => listener.keys.has(KEY));
    const { reads } = listener;
    await listener.until(() => listener.reads >= reads + 2);
    expect(etcd.watches).toHaveLength(2);
    expect(etcd.watches[0]?.destroyed).toBe(true);
  });
});
