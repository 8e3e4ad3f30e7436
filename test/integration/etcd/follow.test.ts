import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../../src/adapters/etcd/options.js';
import {
  type Etcd,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { Recorder } from '../../support/recorder.js';
import { NEVER } from '../../support/registrar/harness.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

/** Each test is named after the trap of the etcd3 client, or of etcd, that it would fall into. */
describe('following a real etcd', () => {
  let network: TestNetwork;
  let server: Etcd;
  let proxy: TcpProxy;
  let direct: EtcdConnection;

  beforeAll(async () => {
    network = await startNetwork();
    server = await startEtcd(network);
    proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    direct = connectEtcd({ endpoints: [server.url] });
  });
  afterAll(async () => {
    direct?.close();
    await proxy?.close();
    await network?.remove();
  });
  beforeEach(async () => {
    proxy.heal();
    await server.delete('/t/');
  });

  function follow(options: Partial<EtcdOptions> = {}) {
    // No resync within a test's time, so that it is the watch that must not miss anything.
    const connection = connectEtcd({
      endpoints: [proxy.address],
      resync: 600_000,
      requestTimeout: 1000,
      ...options,
    });
    const stop = new AbortController();
    const recorder = new Recorder();
    const done = connection.reader.watch(['/t/'], recorder, stop.signal);
    return Object.assign(recorder, {
      async [Symbol.asyncDispose]() {
        stop.abort();
        await done;
        connection.close();
      },
    });
  }

  const put = (key: string, value: string) => direct.store.put(`/t/${key}`, value, {}, NEVER);

  it('misses nothing that happens between two disconnects', async () => {
    await using seen = follow();
    await seen.has({});
    const expected: Record<string, string> = {};
    for (let round = 0; round < 12; round++) {
      proxy.cut();
      await put(`${round}`, 'x');
      expected[`/t/${round}`] = 'x';
      if (round % 3 === 0) await until('it connects', () => proxy.open > 0);
    }

    await seen.has(expected);
  });

  it('takes up an etcd that was wiped and has a lower revision', async () => {
    for (let round = 0; round < 20; round++) await put('old', `${round}`);
    await using seen = follow();
    await seen.has({ '/t/old': '19' });

    await server.container.replace();
    await until('etcd answers', () => put('new', '1'));

    await seen.has({ '/t/new': '1' });
    await put('new', '2');
    await seen.has({ '/t/new': '2' });
  });

  it('takes up a history that was compacted while it was away', async () => {
    await put('a', '1');
    await using seen = follow();
    await seen.has({ '/t/a': '1' });
    proxy.refuse();
    await seen.isAway(1);
    await put('a', '2');
    const revision = await put('b', '2');
    await server.ctl('compact', String(revision));
    await server.delete('/t/a');

    proxy.heal();

    await seen.has({ '/t/b': '2' });
    await put('b', '3');
    await seen.has({ '/t/b': '3' });
  });

  it('notices an etcd that is frozen, and what it does when thawed', async () => {
    await using seen = follow({ stall: 1500 });
    await seen.has({});
    await server.container.pause();
    try {
      await seen.isAway(1);
    } finally {
      await server.container.unpause();
    }

    await until('etcd answers', () => put('a', '1'));
    await seen.has({ '/t/a': '1' });
  });

  it('notices a connection that is half open', async () => {
    await using seen = follow({ stall: 1500 });
    await seen.has({});
    proxy.drop();
    await seen.isAway(1);
    await put('a', '1');

    proxy.heal();

    await seen.has({ '/t/a': '1' });
  });

  it('finds out that a watch is silent although the rest of etcd answers', async () => {
    await using seen = follow({ stall: 600 });
    await seen.has({});
    await put('a', '1');
    await seen.has({ '/t/a': '1' });
    // What is open already, which the watch now is: new connections pass.
    proxy.freezeOpen();
    await put('a', '2');

    await seen.has({ '/t/a': '2' });
    expect(proxy.accepted).toBeGreaterThan(2);
  });

  it('does not take a quiet watch for a dead one', async () => {
    await using seen = follow({ stall: 300 });
    await seen.has({});
    await put('a', '1');
    await seen.has({ '/t/a': '1' });
    const { accepted } = proxy;
    const { up } = proxy.bytes;
    await until('its progress was asked for many times', () => proxy.bytes.up > up + 1000);

    expect(proxy.accepted).toBe(accepted);
    expect(seen.views).toHaveLength(2);
  });

  it('reads again in full when it is time to, and says nothing where nothing changed', async () => {
    await put('a', '1');
    await using seen = follow({ resync: 200 });
    await seen.has({ '/t/a': '1' });
    const { down } = proxy.bytes;
    await until('it has read many times', () => proxy.bytes.down > down + 3000);
    await put('b', '2');

    await seen.has({ '/t/a': '1', '/t/b': '2' });
    expect(seen.views).toHaveLength(2);
  });

  it('follows a storm of writes to the end', async () => {
    await using seen = follow();
    await seen.has({});
    const expected: Record<string, string> = {};
    const writes = Array.from({ length: 2000 }, (_, index) => {
      expected[`/t/${index % 200}`] = 'last';
      return index;
    });
    await Promise.all(
      Array.from({ length: 200 }, async (_, lane) => {
        for (const index of writes.filter((n) => n % 200 === lane))
          await put(`${lane}`, index < 1800 ? 'x' : 'last');
      }),
    );

    await seen.has(expected);
  });

  it('does not let a lease die because other calls fail', async () => {
    const connection = connectEtcd({ endpoints: [proxy.address], requestTimeout: 300 });
    const lease = await connection.store.grant(60_000, NEVER);
    proxy.refuse();
    const failures = Array.from({ length: 20 }, () =>
      connection.store.list('/t/', NEVER).catch(() => 'failed'),
    );
    expect(new Set(await Promise.all(failures))).toEqual(new Set(['failed']));
    proxy.heal();

    await expect(connection.store.keepAlive(lease, NEVER)).resolves.toBeUndefined();
    connection.close();
  });

  it('gives up a call on a frozen etcd at its deadline', async () => {
    const connection = connectEtcd({ endpoints: [proxy.address], requestTimeout: 300 });
    await connection.store.list('/t/', NEVER);
    proxy.freeze();

    await expect(connection.store.list('/t/', NEVER)).rejects.toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
    });
    proxy.heal();
    connection.close();
  });

  it('goes on with the next endpoint when one is down or frozen', async () => {
    await using frozen = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    frozen.freeze();
    proxy.refuse();
    const connection = connectEtcd({
      endpoints: [proxy.address, frozen.address, server.url],
      requestTimeout: 300,
    });
    await until('a call gets through', () => connection.store.put('/t/a', '1', {}, NEVER));
    // And stays with what works.
    for (let round = 0; round < 20; round++) await connection.store.put('/t/a', '1', {}, NEVER);
    connection.close();
  });
});
