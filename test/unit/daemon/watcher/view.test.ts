import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

function http(watching: Watching) {
  const upstream = watching.watcher.view().nginx[0]?.upstreams.find(({ kind }) => kind === 'http');
  if (!upstream) throw new Error('there is no http upstream');
  return upstream;
}

describe('what a watcher shows live', () => {
  it('says what it knows of itself, etcd and NGINX, before and after it has read them', async () => {
    await using watching = new Watching({ version: '1.2.3' });
    expect(watching.watcher.view()).toMatchObject({
      watcher: { id: 'lb1', version: '1.2.3', ready: false, etcd: { state: 'unavailable' } },
      nginx: [{ name: 'nginx', state: 'unavailable', upstreams: [], unfed: [] }],
    });
    watching.register('firmware', host(1));
    watching.register('other', host(2));
    watching.register('firmware', 'nowhere' as never);
    await watching.pass(1_000);
    const view = watching.watcher.view();
    expect(view).toMatchObject({
      watcher: { ready: true, superseded: false, etcd: { state: 'connected' } },
      services: [{ name: 'firmware', registered: 1, rejected: 1 }, { name: 'other' }],
      rejected: [{ key: '/services/firmware/nowhere' }],
      rejectedCount: 1,
      nginx: [{ state: 'connected', version: 'fake', unfed: ['stream/mqtt'], more: 0 }],
    });
    expect(view.nginx[0]?.problems[0]).toContain('other');
    expect(http(watching)).toMatchObject({
      inSync: true,
      counts: { up: 1 },
      servers: [{ address: host(1), state: 'up' }],
    });
  });

  it('counts a drain down, and says why a server drains', async () => {
    await using watching = new Watching();
    watching.register('firmware', host(1));
    watching.register('firmware', host(2));
    await watching.pass(1_000);
    watching.lb.set(HTTP, host(2), { active: 3 });
    watching.register('firmware', host(2), { drain: true });
    await watching.pass(1_000);
    const [draining, up] = http(watching).servers;
    expect(draining).toMatchObject({
      address: host(2),
      state: 'draining',
      reason: 'its registration asks to drain',
    });
    const left = (draining?.until ?? 0) - Date.now();
    expect(left).toBeGreaterThan(28_000);
    expect(left).toBeLessThanOrEqual(30_000);
    expect(up).toEqual({ address: host(1), state: 'up' });
    expect(http(watching).counts).toEqual({ draining: 1, up: 1 });
  });

  it('shows what the guard holds, until when and why it is suspect', async () => {
    const guard = { ...DEFAULT_GUARD, grace: 0 };
    await using watching = new Watching({ options: { guard } });
    for (const n of [1, 2, 3]) watching.register('firmware', host(n));
    await watching.pass(1_000);
    for (const n of [1, 2, 3]) watching.vanish('firmware', host(n));
    await watching.pass(2_000);
    const { counts, servers } = http(watching);
    expect(counts).toEqual({ held: 3 });
    expect(servers[0]).toMatchObject({ state: 'held', reason: 'its key was deleted' });
    expect((servers[0]?.until ?? 0) - Date.now()).toBeGreaterThan(100_000);
  });

  it('does not pretend to know what an NGINX has that does not answer', async () => {
    await using watching = new Watching();
    watching.register('firmware', host(1));
    await watching.pass(1_000);
    watching.lb.stop();
    await watching.pass(2_000);
    expect(http(watching)).toMatchObject({
      inSync: false,
      counts: { unknown: 1 },
      servers: [{ address: host(1), state: 'unknown', reason: 'was up' }],
    });
    const [nginx] = watching.watcher.view().nginx;
    expect(nginx?.state).toBe('unavailable');
    expect(nginx?.lastSeenAt).toBeLessThan(Date.now());
  });

  it('names the servers that are missing, before all others, and why', async () => {
    await using watching = new Watching();
    watching.lb.setCapacity(HTTP, 1);
    watching.register('firmware', host(1));
    watching.register('firmware', host(2));
    await watching.pass(1_000);
    const { servers, counts } = http(watching);
    expect(counts).toEqual({ missing: 1, up: 1 });
    expect(servers[0]).toMatchObject({ state: 'missing' });
    expect(servers[0]?.reason).toBe('the zone of the upstream is full');
  });
});

describe('a large group', () => {
  it('is shown in part, and all of it by the page and by what an address has in it', async () => {
    await using watching = new Watching();
    for (let n = 0; n < 240; n++) watching.register('firmware', host(n));
    await watching.pass(2_000);
    watching.register('firmware', host(200), { drain: true });
    watching.lb.set(HTTP, host(200), { active: 1 });
    await watching.pass(1_000);
    const { servers, counts } = http(watching);
    expect(counts).toEqual({ up: 239, draining: 1 });
    expect(servers).toHaveLength(50);
    expect(servers[0]?.address).toBe(host(200));
    const page = (from: number, filter?: string) =>
      watching.watcher.serverPage('nginx', 'http/firmware', { from, count: 50, filter });
    const all = [0, 50, 100, 150, 200].flatMap((from) => page(from)?.servers ?? []);
    expect(new Set(all.map(({ address }) => address)).size).toBe(240);
    expect(all.slice(0, 50)).toEqual(servers);
    expect(page(240)).toEqual({ servers: [], total: 240 });
    expect(page(0, '10.0.0.23')).toMatchObject({ total: 11 });
    expect(watching.watcher.serverPage('nginx', 'http/other', { from: 0, count: 1 })).toBeUndefined();
    expect(watching.watcher.serverPage('other', 'http/firmware', { from: 0, count: 1 })).toBeUndefined();
  });

  it('is one of a hundred that are shown, of more those that need attention', async () => {
    const names = Array.from({ length: 130 }, (_, n) => `s${n}`);
    const lb = new FakeNginx({ http: names });
    await using watching = new Watching({ nginx: [lb] });
    for (const name of names) watching.register(name, host(1));
    await watching.pass(3_000);
    watching.register('s129', host(1), { drain: true });
    lb.set({ kind: 'http', name: 's129' }, host(1), { active: 1 });
    await watching.pass(1_000);
    const [nginx] = watching.watcher.view().nginx;
    expect(nginx?.more).toBe(30);
    expect(nginx?.upstreams).toHaveLength(100);
    expect(nginx?.upstreams.map(({ name }) => name)).toContain('s129');
  });
});
