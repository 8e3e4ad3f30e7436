import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

describe('a registered instance', () => {
  it('is added to the http and the stream upstream of the same name', async () => {
    await using w = new Watching();
    w.register('firmware', host(1), { weight: 5 });
    w.register('mqtt', host(2));
    await w.pass(100);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), parameters: { weight: 5 } }]);
    expect(w.lb.servers(STREAM)).toMatchObject([{ address: host(2) }]);
  });

  it('is added at once: a single change does not wait', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    w.register('firmware', host(2));
    await w.pass(0);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2)]);
  });

  it('is one server, however often it is put again', async () => {
    await using w = new Watching();
    for (let i = 0; i < 20; i++) {
      w.register('firmware', host(1), 'lazy-unicorn');
      await w.pass(30);
    }
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.lb.count('add')).toBe(1);
  });

  it('is patched where it differs, and nowhere else', async () => {
    await using w = new Watching();
    w.register('firmware', host(1), { max_conns: 5 });
    await w.pass(100);
    w.register('firmware', host(1), { max_conns: 5, weight: 3 });
    await w.pass(100);
    expect(w.lb.find(HTTP, host(1))?.parameters).toMatchObject({ max_conns: 5, weight: 3 });
    expect(w.log.events('server-updated')).toMatchObject([{ fields: { changes: { weight: 3 } } }]);
  });

  it('is replaced where a parameter cannot be patched: added again, and the old server drained', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(100);
    w.lb.set(HTTP, host(1), { active: 1 });
    w.register('firmware', host(1), { backup: true });
    await w.pass(200);
    const both = w.lb.servers(HTTP);
    expect(both).toMatchObject([
      { draining: true, parameters: { backup: false } },
      { draining: false, parameters: { backup: true } },
    ]);
    w.lb.set(HTTP, host(1), { active: 0 });
    await w.pass(2_000);
    expect(w.lb.servers(HTTP)).toMatchObject([{ parameters: { backup: true } }]);
  });

  it('is replaced where NGINX does not let the weight be changed', async () => {
    const { NginxError } = await import('../../../../src/core/errors.js');
    await using w = new Watching();
    w.lb.fault = ({ method }) =>
      method === 'update'
        ? { before: new NginxError('UpstreamServerWeightImmutable', 'immutable', { status: 400 }) }
        : undefined;
    w.register('firmware', host(1));
    await w.pass(100);
    w.register('firmware', host(1), { weight: 4 });
    await w.pass(3_000);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), parameters: { weight: 4 } }]);
  });

  it('is once in NGINX, whoever else put it there a second time', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.lb.place(HTTP, host(1));
    w.lb.place(HTTP, host(1), { weight: 2 });
    await w.pass(500);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), parameters: { weight: 1 } }]);
  });

  it('needs few passes in a burst of changes', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    const before = w.lb.count('upstream');
    for (let i = 2; i <= 101; i++) {
      w.register('firmware', host(i));
      await w.pass(1);
    }
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toHaveLength(101);
    expect(w.lb.count('upstream') - before).toBeLessThan(12);
  });

  it('costs only a check of the identity of NGINX while nothing changes, and a full read each resync', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('mqtt', host(1));
    await w.pass(5_000);
    const before = w.lb.calls.length;
    await w.pass(60_000);
    const calls = w.lb.calls.slice(before).map(({ method }) => method);
    const others = calls.filter((method) => method !== 'identity');
    expect(calls.length - others.length).toBeLessThanOrEqual(60);
    expect(others.filter((method) => method === 'upstream').length).toBeLessThanOrEqual(6);
    expect(others.every((method) => method === 'upstream' || method === 'upstreams')).toBe(true);
  });
});

describe('a server that is not registered', () => {
  it('is left alone before etcd has been read', async () => {
    const w = new Watching();
    w.registry.fault('down');
    w.lb.place(HTTP, host(9));
    await w.pass(60_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(9)]);
    expect(w.log.events('etcd-unavailable')).toHaveLength(1);
    expect(w.registry.keys()).toEqual([]);
    await w.stop();
  });

  it('is left alone in a group for which no registration was ever seen', async () => {
    await using w = new Watching();
    w.register('mqtt', host(1));
    w.lb.place(HTTP, host(9));
    await w.pass(60_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(9)]);
  });

  it('is drained, and removed once idle', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(100);
    w.lb.set(HTTP, host(2), { active: 3 });
    w.vanish('firmware', host(2));
    await w.pass(10_000);
    expect(w.lb.find(HTTP, host(2))?.draining).toBe(true);
    w.lb.set(HTTP, host(2), { active: 0 });
    await w.pass(2_100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('is removed at the drain deadline, idle or not', async () => {
    await using w = new Watching({ options: { drainTimeout: { http: 30_000, stream: 5_000 } } });
    w.register('mqtt', host(1));
    w.register('mqtt', host(2));
    await w.pass(100);
    w.lb.set(STREAM, host(2), { active: 3 });
    w.vanish('mqtt', host(2));
    await w.pass(4_800);
    expect(w.lb.find(STREAM, host(2))?.parameters.down).toBe(true);
    await w.pass(400);
    expect(w.lb.addresses(STREAM)).toEqual([host(1)]);
    expect(w.log.events('server-removed')).toMatchObject([{ fields: { reason: 'expired' } }]);
  });

  it('is put back when it is registered again during its drain', async () => {
    await using w = new Watching();
    for (const service of ['firmware', 'mqtt']) {
      w.register(service, host(1));
      w.register(service, host(2));
    }
    await w.pass(100);
    for (const [service, ref] of [['firmware', HTTP] as const, ['mqtt', STREAM] as const]) {
      w.lb.set(ref, host(2), { active: 1 });
      w.vanish(service, host(2));
      await w.pass(200);
      w.register(service, host(2));
      await w.pass(200);
      expect(w.lb.find(ref, host(2))).toMatchObject({ draining: false, parameters: { down: false } });
    }
    expect(w.lb.count('remove')).toBe(0);
  });

  it('is removed at once when its health checks fail: a dead server has nothing to drain', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(100);
    w.lb.set(HTTP, host(2), { active: 9, failing: true });
    w.vanish('firmware', host(2));
    await w.pass(100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('is removed after its replacement was added, and stays while NGINX does not accept that', async () => {
    const { NginxError } = await import('../../../../src/core/errors.js');
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(100);
    w.lb.fault = ({ method }) =>
      method === 'add' ? { before: new NginxError('Internal', 'no', { status: 500 }) } : undefined;
    w.register('firmware', host(2));
    w.register('firmware', host(1), { drain: true });
    await w.pass(60_000);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), draining: false }]);
    w.lb.fault = () => undefined;
    await w.pass(3_000);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(2) }]);
  });
});

describe('a bad key or value', () => {
  it('is logged once with its reason, and affects no other server', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    for (const key of ['nohost', '10.0.0.1', '10.0.0.1:0', '10.0.0.1:70000', 'example.org:80']) {
      w.registry.write(`/services/firmware/${key}`, '{}');
    }
    w.register('firmware', host(2), { weight: -1 });
    await w.pass(70_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.log.events('registration-rejected')).toHaveLength(6);
    expect(w.watcher.status().rejected).toHaveLength(6);
  });

  it('leaves a server that is in NGINX as it is', async () => {
    await using w = new Watching();
    w.register('firmware', host(1), { weight: 3 });
    await w.pass(100);
    w.register('firmware', host(1), { weight: 'heavy' });
    await w.pass(60_000);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), parameters: { weight: 3 } }]);
  });

  it('leaves a server registered as it was when NGINX returns empty', async () => {
    await using w = new Watching();
    w.register('firmware', host(1), { weight: 3 });
    await w.pass(100);
    w.register('firmware', host(1), { weight: 'heavy' });
    await w.pass(100);
    w.lb.restart();
    await w.pass(1_500);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), parameters: { weight: 3 } }]);
  });

  it('is an address outside of the networks allowed for the service', async () => {
    const { parseNetwork } = await import('../../../../src/core/address.js');
    const network = parseNetwork('10.0.0.0/30');
    if (!network.ok) throw new Error(network.reason);
    await using w = new Watching({ options: { allow: { firmware: [network.value] } } });
    w.register('firmware', host(1));
    w.register('firmware', host(77));
    w.register('mqtt', host(77));
    await w.pass(100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.lb.addresses(STREAM)).toEqual([host(77)]);
    expect(w.log.events('registration-rejected')).toMatchObject([
      { fields: { reason: expect.stringContaining('networks allowed') } },
    ]);
  });
});

describe('the mapping', () => {
  it('follows the rules, several services to one upstream', async () => {
    const upstreams = ['a', 'b'].map((service) => ({
      service,
      kind: 'http' as const,
      upstream: 'firmware',
    }));
    await using w = new Watching({ options: { upstreams } });
    w.register('a', host(1));
    w.register('b', host(2));
    await w.pass(200);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2)]);
  });

  it('reports once that a service has no upstream, and serves it when a reload adds one', async () => {
    await using w = new Watching();
    w.register('new', host(1));
    await w.pass(70_000);
    expect(w.log.events('service-unmapped')).toHaveLength(1);
    w.lb.addGroup({ kind: 'http', name: 'new' });
    await w.pass(1_200);
    expect(w.lb.addresses({ kind: 'http', name: 'new' })).toEqual([host(1)]);
  });

  it('drops a group that NGINX no longer has, and delays no other', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('mqtt', host(1));
    await w.pass(100);
    w.lb.removeGroup(HTTP);
    w.register('mqtt', host(2));
    await w.pass(1_200);
    expect(w.lb.addresses(STREAM)).toEqual([host(1), host(2)]);
    expect(w.watcher.status().nginx[0]?.problems).toMatchObject([{ code: 'no-upstream' }]);
  });

  it('changes while the watcher runs', async () => {
    await using w = new Watching();
    w.register('other', host(1));
    await w.pass(100);
    w.watcher.reconfigure({
      ...w.options,
      upstreams: [{ service: 'other', kind: 'http', upstream: 'firmware' }],
    });
    await w.pass(100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });
});

describe('a full zone', () => {
  it('is logged once and counted, delays nothing else, and is tried again when there is room', async () => {
    await using w = new Watching();
    w.lb.setCapacity(HTTP, 2);
    for (const n of [1, 2, 3, 4]) w.register('firmware', host(n));
    w.register('mqtt', host(1));
    await w.pass(20_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2)]);
    expect(w.lb.addresses(STREAM)).toEqual([host(1)]);
    expect(w.log.events('upstream-full')).toHaveLength(1);
    expect(w.meter.counts.get('sidekick_upstream_zone_full_total')).toBe(2);
    w.vanish('firmware', host(1));
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toHaveLength(2);
    expect(w.lb.addresses(HTTP)).not.toContain(host(1));
  });

  it('keeps one of its unregistered servers, which serves until the new ones have room', async () => {
    await using w = new Watching();
    w.lb.setCapacity(HTTP, 3);
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(1_000);
    for (const n of [1, 2, 3]) w.vanish('firmware', host(n));
    for (const n of [4, 5]) w.register('firmware', host(n));
    await w.pass(5_000);
    expect(w.lb.servers(HTTP)).toMatchObject([
      { address: host(4), draining: false },
      { address: host(5), draining: false },
    ]);
  });
});

describe('a watcher of several NGINX', () => {
  it('delays none of them while another is unavailable or slow', async () => {
    const nginx = ['a', 'b', 'c'].map((name) => new FakeNginx({ name, http: ['firmware'] }));
    const [a, b, c] = nginx as [FakeNginx, FakeNginx, FakeNginx];
    b.stop();
    c.fault = () => ({ hold: new Promise((resolve) => setTimeout(resolve, 4_000)) });
    await using w = new Watching({ nginx });
    w.register('firmware', host(1));
    await w.pass(100);
    expect(a.addresses(HTTP)).toEqual([host(1)]);
    await w.pass(20_000);
    expect(c.addresses(HTTP)).toEqual([host(1)]);
    b.restart();
    await w.pass(1_100);
    expect(b.addresses(HTTP)).toEqual([host(1)]);
    expect(w.log.events('nginx-unavailable')).toHaveLength(1);
    c.fault = () => undefined;
    await w.pass(10_000);
  });
});
