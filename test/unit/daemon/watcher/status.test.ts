import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import { KnownServers } from '../../../../src/daemon/watcher/known-servers.js';
import { HTTP, host, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

function upstream(w: Watching, name: string) {
  return w.watcher.status().nginx[0]?.upstreams.find((one) => one.name === name);
}

function counts(w: Watching, upstreamName: string): Record<string, number | undefined> {
  const states = ['up', 'down', 'draining', 'held'];
  const labels = {
    nginx: 'nginx',
    upstream: upstreamName,
    kind: upstreamName === 'mqtt' ? 'stream' : 'http',
  };
  return Object.fromEntries(
    states.map((state) => [state, w.meter.value('sidekick_upstream_servers', { ...labels, state })]),
  );
}

describe('the overview', () => {
  it('counts what the status lists', async () => {
    await using w = new Watching();
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(1_000);
    const { id, etcd, superseded, nginx } = w.watcher.status();
    const counted = nginx.map(({ name, connected, upstreams }) => ({
      name,
      connected,
      upstreams: upstreams.map(({ kind, name: of, inSync, servers }) => ({
        kind,
        name: of,
        inSync,
        servers: servers.length,
      })),
    }));
    expect(w.watcher.overview()).toEqual({ id, etcd, superseded, nginx: counted });
    expect(counted[0]?.upstreams).toContainEqual({
      kind: 'http',
      name: 'firmware',
      inSync: true,
      servers: 3,
    });
  });

  it('has nothing in sync while NGINX does not answer', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    w.lb.stop();
    await w.pass(5_000);
    const [nginx] = w.watcher.overview().nginx;
    expect(nginx?.connected).toBe(false);
    expect(nginx?.upstreams.map(({ inSync }) => inSync)).not.toContain(true);
  });

  it('looks at no server, since it is asked for several times a second', async () => {
    await using w = new Watching();
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(1_000);
    const iterated = vi.spyOn(KnownServers.prototype, Symbol.iterator);
    w.watcher.overview();
    expect(iterated).not.toHaveBeenCalled();
    w.watcher.status();
    expect(iterated).toHaveBeenCalled();
    iterated.mockRestore();
  });
});

describe('the state of a server', () => {
  it.each([
    ['firmware', HTTP],
    ['mqtt', STREAM],
  ] as const)(
    'is draining in the status and in the metric alike while %s drains it',
    async (service, ref) => {
      await using w = new Watching();
      w.register(service, host(1));
      w.register(service, host(2));
      await w.pass(1_000);
      w.lb.set(ref, host(2), { active: 3 });
      w.register(service, host(2), { drain: true });
      await w.pass(5_000);
      expect(upstream(w, service)?.servers).toEqual([
        { address: host(1), state: 'up' },
        { address: host(2), state: 'draining', active: 3 },
      ]);
      expect(counts(w, service)).toEqual({ up: 1, down: 0, draining: 1, held: 0 });
    },
  );

  it('stays counted in the metric while changes take the fast path', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    w.register('firmware', host(1), { meta: { version: '2' } });
    await w.pass(1);
    expect(counts(w, 'firmware')).toEqual({ up: 1, down: 0, draining: 0, held: 0 });
  });

  it('is held once in the metric, whatever else it is', async () => {
    await using w = new Watching({ options: { guard: DEFAULT_GUARD } });
    for (const n of [1, 2, 3]) w.register('firmware', host(n), { down: n === 3 });
    await w.pass(1_000);
    for (const n of [1, 2, 3]) w.vanish('firmware', host(n));
    await w.pass(1_000);
    const servers = upstream(w, 'firmware')?.servers ?? [];
    expect(servers.length).toBeGreaterThan(0);
    const inStatus = { up: 0, down: 0, draining: 0, held: 0, unknown: 0 };
    for (const { state } of servers) inStatus[state]++;
    expect(inStatus.held).toBeGreaterThan(0);
    const { unknown, ...known } = inStatus;
    expect(unknown).toBe(0);
    expect(counts(w, 'firmware')).toEqual(known);
  });

  it('is past while NGINX is unavailable, with the time since', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    expect(upstream(w, 'firmware')).toMatchObject({ inSync: true, servers: [{ state: 'up' }] });
    w.lb.stop();
    await w.pass(20_000);
    const [nginx] = w.watcher.status().nginx;
    expect(nginx).toMatchObject({ connected: false, refused: false });
    expect(nginx?.lastSeenAgo).toBeGreaterThan(18_000);
    expect(upstream(w, 'firmware')).toMatchObject({
      inSync: false,
      servers: [{ address: host(1), state: 'unknown', lastState: 'up' }],
    });
    w.lb.answer();
    await w.pass(10_000);
    expect(upstream(w, 'firmware')).toMatchObject({ inSync: true, servers: [{ state: 'up' }] });
  });
});

describe('sidekick_upstream_servers', () => {
  it('is not shown while NGINX is unavailable', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    expect(counts(w, 'firmware')).toEqual({ up: 1, down: 0, draining: 0, held: 0 });
    w.lb.stop();
    await w.pass(5_000);
    expect(counts(w, 'firmware')).toEqual({});
    w.lb.answer();
    await w.pass(10_000);
    expect(counts(w, 'firmware')).toEqual({ up: 1, down: 0, draining: 0, held: 0 });
  });
});

describe('a watcher whose NGINX was reloaded empty', () => {
  it('is not ready before the groups are filled again', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    expect(w.watcher.ready).toBe(true);
    w.lb.restart();
    const readyWhileEmpty: boolean[] = [];
    w.lb.fault = ({ method }) => {
      if (method === 'add') readyWhileEmpty.push(w.watcher.ready);
      return undefined;
    };
    await w.pass(1_500);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(readyWhileEmpty).toEqual([false]);
    await w.pass(1_000);
    expect(w.watcher.ready).toBe(true);
  });

  it('does not count a pass that had read the group before the reload', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    // The pass reads, and is answered only when the driver has seen the reload; the pass after it waits longer.
    const first = deferred();
    const later = deferred();
    const read = w.lb.upstream.bind(w.lb);
    const answered = [first, later].values();
    vi.spyOn(w.lb, 'upstream').mockImplementation(async (ref, signal) => {
      const state = await read(ref, signal);
      await (answered.next().value ?? later).promise;
      return state;
    });
    w.register('firmware', host(1), { meta: { a: 'b' } });
    await w.pass(500);
    w.lb.restart();
    await w.pass(1_500);
    expect(w.log.events('nginx-reloaded')).toHaveLength(1);
    first.resolve();
    await w.pass(500);
    expect(w.watcher.ready).toBe(false);
    later.resolve();
  });
});

function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

describe('a maintenance key', () => {
  it('is shown with who asked, when and why', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    const why = { by: 'root@lb1', at: '2026-01-31T12:00:00.000Z', reason: 'new disk' };
    w.registry.write(`/sidekick/maintenance/firmware/${host(1)}`, JSON.stringify(why));
    w.registry.write(`/sidekick/maintenance/mqtt/${host(9)}`, '{}');
    await w.pass(1_000);
    expect(w.watcher.status().maintenance).toEqual([
      { service: 'firmware', address: host(1), ...why },
      { service: 'mqtt', address: host(9) },
    ]);
    w.registry.delete(`/sidekick/maintenance/firmware/${host(1)}`);
    await w.pass(1_000);
    expect(w.watcher.status().maintenance).toEqual([{ service: 'mqtt', address: host(9) }]);
  });
});

describe('the presence key of a watcher', () => {
  it('says how many servers its guard holds, by service', async () => {
    await using w = new Watching({ options: { guard: DEFAULT_GUARD } });
    const held = () => JSON.parse(w.registry.get('/sidekick/watchers/lb1')?.value ?? '{}').held;
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(1_000);
    expect(held()).toEqual({});
    for (const n of [1, 2, 3]) w.vanish('firmware', host(n));
    await w.pass(1_000);
    expect(held()).toEqual({ firmware: upstream(w, 'firmware')?.held.length });
    w.watcher.unhold('firmware');
    await w.pass(40_000);
    expect(held()).toEqual({});
  });
});
