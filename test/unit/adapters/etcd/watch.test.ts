import type { Readable } from 'node:stream';
import type { IWatchResponse } from 'etcd3';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../../src/adapters/etcd/cluster.js';
import { watch } from '../../../../src/adapters/etcd/watch.js';
import { openWatchStream } from '../../../support/etcd-watch-stream.js';

const CLUSTER = '1';

function watchOver(stream: Readable) {
  const cluster = { call: () => Promise.resolve(stream) } as unknown as Cluster;
  const after = { revision: 1, clusterId: CLUSTER };
  const signal = new AbortController().signal;
  return watch(cluster, { prefixes: ['/services/'], after, stall: 10_000, signal });
}

function answer(revision: number, ...keys: readonly string[]): IWatchResponse {
  const events = keys.map((key) => ({
    type: 'Put' as const,
    kv: { key: Buffer.from(key), value: Buffer.from('{}'), mod_revision: String(revision) },
  }));
  const header = { cluster_id: CLUSTER, revision: String(revision) };
  return { header, events, canceled: false } as unknown as IWatchResponse;
}

describe('watch', () => {
  it('tells changes although an answer without events has arrived with them, such as one of progress', async () => {
    const stream = openWatchStream();
    const changes = watchOver(stream);
    stream.push(answer(2, '/services/a/1'));
    stream.push(answer(3));

    const { value } = await changes.next();
    expect(value).toMatchObject({ changes: [{ type: 'put', entry: { key: '/services/a/1' } }], revision: 2 });
    await changes.return();
  });

  it('tells together what has arrived together, with the newest revision', async () => {
    const stream = openWatchStream();
    const changes = watchOver(stream);
    // One prefix may be ahead of another.
    stream.push(answer(5, '/services/a/1', '/services/a/2'));
    stream.push(answer(4, '/maintenance/a/1'));

    const { value } = await changes.next();
    expect(value?.changes.map((change) => change.type === 'put' && change.entry.key)).toEqual([
      '/services/a/1',
      '/services/a/2',
      '/maintenance/a/1',
    ]);
    expect(value?.revision).toBe(5);
    await changes.return();
  });

  it('ends where an answer comes from another cluster, and tells nothing that came with it', async () => {
    const stream = openWatchStream();
    const changes = watchOver(stream);
    stream.push(answer(2, '/services/a/1'));
    stream.push({ ...answer(3, '/services/a/2'), header: { ...answer(3).header, cluster_id: '2' } });

    expect(await changes.next()).toEqual({ value: undefined, done: true });
    expect(stream.destroyed).toBe(true);
  });
});
