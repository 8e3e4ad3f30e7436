import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../../src/adapters/etcd/options.js';
import { until } from '../../support/containers/index.js';
import { ProxiedEtcd } from '../../support/proxied-etcd.js';
import { NEVER } from '../../support/registrar/harness.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

/** Each test is named after the trap of the etcd3 client, or of etcd, that it would fall into. */
describe('following a real etcd', () => {
  let etcd: ProxiedEtcd;

  beforeAll(async () => {
    etcd = await ProxiedEtcd.start();
  });
  afterAll(() => etcd?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    etcd.proxy.heal();
    await etcd.server.delete('/t/');
  });

  const follow = (options: Partial<EtcdOptions> = {}) =>
    etcd.watch(['/t/'], { requestTimeout: 1000, ...options });
  const put = (key: string, value: string) => etcd.direct.store.put(`/t/${key}`, value, {}, NEVER);

  it('misses no change between two disconnects', async () => {
    await using seen = follow();
    await seen.has({});
    const expected: Record<string, string> = {};
    for (let round = 0; round < 12; round++) {
      etcd.proxy.cut();
      await put(`${round}`, 'x');
      expected[`/t/${round}`] = 'x';
      if (round % 3 === 0) await until('it connects', () => etcd.proxy.open > 0);
    }

    await seen.has(expected);
  });

  it('accepts an etcd that was wiped and has a lower revision', async () => {
    for (let round = 0; round < 20; round++) await put('old', `${round}`);
    await using seen = follow();
    await seen.has({ '/t/old': '19' });

    await etcd.server.container.replace();
    await until('etcd answers', () => put('new', '1'));

    await seen.has({ '/t/new': '1' });
    await put('new', '2');
    await seen.has({ '/t/new': '2' });
  });

  it('reads everything again after the history was compacted during an outage', async () => {
    await put('a', '1');
    await using seen = follow();
    await seen.has({ '/t/a': '1' });
    etcd.proxy.refuse();
    await seen.isAway(1);
    await put('a', '2');
    const revision = await put('b', '2');
    await etcd.server.ctl('compact', String(revision));
    await etcd.server.delete('/t/a');

    etcd.proxy.heal();

    await seen.has({ '/t/b': '2' });
    await put('b', '3');
    await seen.has({ '/t/b': '3' });
  });

  it('detects a frozen etcd, and shows what it does after it thaws', async () => {
    await using seen = follow({ stall: 1500 });
    await seen.has({});
    await etcd.server.container.pause();
    try {
      await seen.isAway(1);
    } finally {
      await etcd.server.container.unpause();
    }

    await until('etcd answers', () => put('a', '1'));
    await seen.has({ '/t/a': '1' });
  });

  it('detects a half-open connection', async () => {
    await using seen = follow({ stall: 1500 });
    await seen.has({});
    etcd.proxy.drop();
    await seen.isAway(1);
    await put('a', '1');

    etcd.proxy.heal();

    await seen.has({ '/t/a': '1' });
  });

  it('detects that a watch is silent although the rest of etcd answers', async () => {
    await using seen = follow({ stall: 600 });
    await seen.has({});
    await put('a', '1');
    await seen.has({ '/t/a': '1' });
    // What is open already, which the watch now is: new connections pass.
    etcd.proxy.freezeOpen();
    await put('a', '2');

    await seen.has({ '/t/a': '2' });
    expect(etcd.proxy.accepted).toBeGreaterThan(2);
  });

  it('keeps a watch on which nothing happens', async () => {
    await using seen = follow({ stall: 300 });
    await seen.has({});
    await put('a', '1');
    await seen.has({ '/t/a': '1' });
    const { accepted } = etcd.proxy;
    const { up } = etcd.proxy.bytes;
    await until('its progress was asked for many times', () => etcd.proxy.bytes.up > up + 1000);

    expect(etcd.proxy.accepted).toBe(accepted);
    expect(seen.views).toHaveLength(2);
  });

  it('resyncs when it is due, and reports nothing where nothing changed', async () => {
    await put('a', '1');
    await using seen = follow({ resync: 200 });
    await seen.has({ '/t/a': '1' });
    const { down } = etcd.proxy.bytes;
    await until('it has read many times', () => etcd.proxy.bytes.down > down + 3000);
    await put('b', '2');

    await seen.has({ '/t/a': '1', '/t/b': '2' });
    expect(seen.views).toHaveLength(2);
  });

  it('delivers every change of a storm of writes', async () => {
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

  it('keeps a lease alive although other calls fail', async () => {
    const connection = connectEtcd({ endpoints: [etcd.proxy.address], requestTimeout: 300 });
    const lease = await connection.store.grant(60_000, NEVER);
    etcd.proxy.refuse();
    const failures = Array.from({ length: 20 }, () =>
      connection.store.list('/t/', NEVER).catch(() => 'failed'),
    );
    expect(new Set(await Promise.all(failures))).toEqual(new Set(['failed']));
    etcd.proxy.heal();

    await expect(connection.store.keepAlive(lease, NEVER)).resolves.toBeUndefined();
    connection.close();
  });

  it('ends a call to a frozen etcd at its deadline', async () => {
    const connection = connectEtcd({ endpoints: [etcd.proxy.address], requestTimeout: 300 });
    await connection.store.list('/t/', NEVER);
    etcd.proxy.freeze();

    await expect(connection.store.list('/t/', NEVER)).rejects.toMatchObject({
      code: 'TIMEOUT',
      retryable: true,
    });
    etcd.proxy.heal();
    connection.close();
  });

  it('uses the next endpoint when one is down or frozen', async () => {
    await using frozen = await TcpProxy.start({
      host: '127.0.0.1',
      port: Number(new URL(etcd.server.url).port),
    });
    frozen.freeze();
    etcd.proxy.refuse();
    const connection = connectEtcd({
      endpoints: [etcd.proxy.address, frozen.address, etcd.server.url],
      requestTimeout: 300,
    });
    await until('a call gets through', () => connection.store.put('/t/a', '1', {}, NEVER));
    // And stays with what works.
    for (let round = 0; round < 20; round++) await connection.store.put('/t/a', '1', {}, NEVER);
    connection.close();
  });
});
