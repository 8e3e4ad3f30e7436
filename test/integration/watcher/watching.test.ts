import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startGateway, until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { HTTP, OPTIONS, STREAM } from '../../support/watching.js';

const A = '127.0.0.1:9001';
const B = '127.0.0.1:9002';

describe('a watcher between a real etcd and a real gateway', () => {
  let cluster: RealCluster;

  beforeAll(async () => {
    cluster = await RealCluster.start();
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  beforeEach(() => cluster.clear());

  const put = (service: string, address: string, value = '{}', lease?: string) =>
    cluster.etcd.put(`/services/${service}/${address}`, value, lease);
  const remove = (service: string, address: string) =>
    cluster.etcd.ctl('del', `/services/${service}/${address}`);

  it('adds a server for a plain etcdctl put under a lease, once however often it is put, and removes it', async () => {
    await using watcher = RealWatcher.of(cluster);
    await put('firmware', A);
    const lease = await cluster.etcd.grant(600);
    for (let i = 0; i < 5; i++) await put('firmware', B, 'lazy-unicorn', lease);
    await cluster.serves(HTTP, [A, B]);
    // NGINX shows it before the watcher has its answer.
    await until('both are said', () => watcher.log.events('server-added').length === 2);
    await remove('firmware', B);
    await cluster.serves(HTTP, [A]);
    await until('the removal is said', () => watcher.log.events('server-removed').length > 0);
    expect(watcher.log.events('server-added')).toHaveLength(2);
    expect(watcher.log.events('server-removed')).toMatchObject([{ fields: { reason: 'idle' } }]);
  });

  it('removes a server when its lease expires', async () => {
    await using _ = RealWatcher.of(cluster);
    await put('mqtt', A);
    await put('mqtt', B, '{}', await cluster.etcd.grant(2));
    await cluster.serves(STREAM, [A, B]);
    await cluster.serves(STREAM, [A]);
  });

  it('keeps parameters as registered, for http and stream', async () => {
    await using watcher = RealWatcher.of(cluster);
    for (const [service, ref] of [['firmware', HTTP] as const, ['mqtt', STREAM] as const]) {
      await put(service, A, '{"weight":5,"fail_timeout":"1m"}');
      await cluster.serves(ref, [A]);
      expect((await cluster.servers(ref))[0]?.parameters).toMatchObject({ weight: 5, fail_timeout: '60s' });
      await put(service, A, '{"weight":2,"max_conns":9}');
      await until('the new parameters', async () => {
        const [server] = await cluster.servers(ref);
        return server?.parameters.weight === 2 && server.parameters.max_conns === 9;
      });
    }
    await until('both are said', () => watcher.log.events('server-updated').length === 2);
  });

  it('reports a service without an upstream, and one with more instances than its limit', async () => {
    const limits = { ...OPTIONS.limits, instances: 1 };
    await using watcher = RealWatcher.of(cluster, { limits });
    await put('nowhere', A);
    await put('firmware', A);
    await put('firmware', B);
    await until('both are said', () => {
      const { log } = watcher;
      return log.events('service-unmapped').length === 1 && log.events('service-limited').length === 1;
    });
    await cluster.serves(HTTP, [A]);
    expect(watcher.log.events('service-unmapped')).toMatchObject([{ fields: { service: 'nowhere' } }]);
    expect(watcher.meter.gauges.get('sidekick_registrations_over_limit')).toBe(1);
  });

  it('waits for etcd and for NGINX, reports that, and continues by itself', async () => {
    cluster.etcdProxy.refuse();
    cluster.apiProxy.refuse();
    await put('firmware', A);
    await using watcher = RealWatcher.of(cluster);
    await until('both outages are said', () => {
      const { log } = watcher;
      return log.events('etcd-unavailable').length === 1 && log.events('nginx-unavailable').length === 1;
    });
    cluster.etcdProxy.heal();
    await until('etcd has been read', () => watcher.log.events('etcd-connected').length === 1);
    cluster.apiProxy.heal();
    await cluster.serves(HTTP, [A]);
    expect(watcher.log.events('nginx-unavailable')).toHaveLength(1);
  });

  it('acknowledges a drain request with its revision', async () => {
    await using _ = RealWatcher.of(cluster);
    await put('firmware', A);
    await put('firmware', B);
    await cluster.serves(HTTP, [A, B]);
    await put('firmware', B, '{"drain":true}');
    await cluster.serves(HTTP, [A]);
    const answers = await until('the answer', async () => {
      const found = await cluster.etcd.list('/sidekick/drained/');
      return found.size > 0 && found;
    });
    expect([...answers.keys()]).toEqual([`/sidekick/drained/firmware/${B}/lb1`]);
    const presence = await cluster.etcd.list('/sidekick/watchers/');
    expect(JSON.parse(presence.get('/sidekick/watchers/lb1') ?? '')).toMatchObject({
      services: ['firmware'],
    });
  });

  it('deletes its keys when it is stopped, and leaves NGINX as it is', async () => {
    const watcher = RealWatcher.of(cluster);
    await put('firmware', A);
    await cluster.serves(HTTP, [A]);
    await until('presence', async () => (await cluster.etcd.list('/sidekick/')).size > 0);
    await watcher.stop();
    expect(await cluster.etcd.list('/sidekick/')).toEqual(new Map());
    await remove('firmware', A);
    await cluster.serves(HTTP, [A]);
  });

  // How soon is measured where the clock is the test's own, and by the demonstration.
  it('configures an NGINX again that was killed and returns empty', async () => {
    await using watcher = RealWatcher.of(cluster);
    const addresses = Array.from({ length: 20 }, (_, i) => `127.0.0.1:${9100 + i}`);
    for (const address of addresses) await put('firmware', address);
    await cluster.serves(HTTP, addresses);
    await cluster.gateway.container.replace();
    await cluster.serves(HTTP, addresses);
    expect(watcher.log.events('nginx-connected').length).toBeGreaterThan(0);
  });

  it('notices a reload', async () => {
    await using watcher = RealWatcher.of(cluster);
    await put('firmware', A);
    await cluster.serves(HTTP, [A]);
    await cluster.gateway.container.exec(['nginx', '-s', 'reload']);
    await until('the reload is noticed', () => watcher.log.events('nginx-reloaded').length === 1);
    await put('firmware', B);
    await cluster.serves(HTTP, [A, B]);
  });

  it('reports a full zone once, delays nothing else, and adds the servers when there is room again', async () => {
    const gateway = await startGateway(cluster.network, 'small', { memory: '32k' });
    // A gateway without room takes no drain either, so the drain time decides.
    const drainTimeout = { http: 2_000, stream: 2_000 };
    await using watcher = new RealWatcher(
      { etcd: [cluster.etcd.url], nginx: { small: gateway.api } },
      { drainTimeout },
    );
    const many = Array.from({ length: 30 }, (_, i) => `127.0.0.1:${9100 + i}`);
    const servers = async (kind: 'http' | 'stream', name: string) =>
      (await gateway.servers(kind, name)).map(({ server }) => server).sort();
    await Promise.all(many.map((address) => put('firmware', address)));
    await until('it is full', () => watcher.log.events('upstream-full').length === 1);
    await put('mqtt', A);
    await until('the other group is served', async () => (await servers('stream', 'mqtt')).length === 1);
    const fitting = await servers('http', 'firmware');
    expect(fitting.length).toBeLessThan(many.length);
    expect(watcher.meter.counts.get('sidekick_upstream_zone_full_total')).toBeGreaterThan(0);
    // All go that are in: one of them serves until the others have room.
    const left = many.filter((address) => !fitting.includes(address)).slice(0, 4);
    const leaving = many.filter((address) => !left.includes(address));
    await Promise.all(leaving.map((address) => remove('firmware', address)));
    let leastUp = fitting.length;
    await until('the others are in', async () => {
      const up = (await gateway.servers('http', 'firmware')).filter(({ drain, down }) => !drain && !down);
      leastUp = Math.min(leastUp, up.length);
      return JSON.stringify(await servers('http', 'firmware')) === JSON.stringify(left.sort());
    });
    expect(leastUp).toBeGreaterThan(0);
    expect(watcher.log.events('upstream-full')).toHaveLength(1);
  });

  it('moves no server while etcd is unavailable', async () => {
    await using watcher = RealWatcher.of(cluster);
    await put('firmware', A);
    await put('firmware', B);
    await cluster.serves(HTTP, [A, B]);
    const before = await cluster.servers(HTTP);
    cluster.etcdProxy.refuse();
    await until('the outage is said', () => watcher.log.events('etcd-unavailable').length === 1);
    expect(await cluster.servers(HTTP)).toEqual(before);
    cluster.etcdProxy.heal();
    await until('etcd is back', () => watcher.log.events('etcd-connected').length === 2);
    expect(await cluster.servers(HTTP)).toEqual(before);
  });
});
