/** What a watcher publishes of itself in etcd. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import { decodeWatcher, type PublishedWatcher } from '../../../../src/core/published-status.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

function published(w: Watching): PublishedWatcher | undefined {
  const entry = w.registry.get('/sidekick/status/watchers/lb1');
  return entry && decodeWatcher(entry.value);
}

const upstream = (w: Watching) => published(w)?.nginx[0]?.upstreams[0];

async function two(setup: ConstructorParameters<typeof Watching>[0] = {}): Promise<Watching> {
  const w = new Watching({ version: '1.2.3', ...setup });
  for (const n of [1, 2]) w.register('firmware', host(n));
  await w.pass(5_000);
  return w;
}

describe('a watcher', () => {
  it('publishes its version, what is in sync in counts, and the groups that nobody feeds', async () => {
    await using w = await two();
    expect(published(w)).toMatchObject({ version: '1.2.3', ready: true, rejected: [], limited: [] });
    expect(upstream(w)).toMatchObject({ name: 'firmware', inSync: true, servers: 2, others: [], more: 0 });
    expect(published(w)?.nginx[0]).toMatchObject({ state: 'connected', unfed: ['stream/mqtt'] });
    expect(w.registry.get('/sidekick/status/watchers/lb1')?.lease).toBeDefined();
  });

  it('publishes a drain with its deadline and open connections', async () => {
    await using w = await two();
    w.lb.set(HTTP, host(2), { active: 3 });
    w.register('firmware', host(2), { drain: true });
    await w.pass(5_000);
    const [server] = upstream(w)?.others ?? [];
    expect(server).toMatchObject({ address: host(2), state: 'draining', active: 3 });
    expect(server?.until).toBeGreaterThan(Date.now());
  });

  it('publishes what the guard holds', async () => {
    await using w = await two({ options: { guard: { ...DEFAULT_GUARD, grace: 1_000 } } });
    for (const n of [1, 2]) w.vanish('firmware', host(n));
    await w.pass(5_000);
    expect(upstream(w)?.others).toMatchObject([{ state: 'held' }, { state: 'held' }]);
  });

  it('publishes what is missing in NGINX, with the reason', async () => {
    await using w = await two();
    w.lb.setCapacity(HTTP, 2);
    w.register('firmware', host(3));
    await w.pass(5_000);
    expect(upstream(w)).toMatchObject({ inSync: false, others: [{ address: host(3), state: 'missing' }] });
    expect(upstream(w)?.others[0]?.reason).toMatch(/zone of the upstream is full|^add /);
  });

  it('publishes an NGINX that does not answer, services that feed nothing, and keys that are no registrations', async () => {
    const nginx = new FakeNginx({ http: ['firmware'], stream: [] });
    await using w = await two({ nginx: [nginx] });
    w.register('other', host(1));
    w.register('firmware', host(4), '{"weight":-1}');
    await w.pass(5_000);
    expect(published(w)?.nginx[0]?.problems).toMatchObject([{ service: 'other' }]);
    expect(published(w)?.rejected).toMatchObject([{ key: `/services/firmware/${host(4)}` }]);
    nginx.stop();
    await w.pass(5_000);
    expect(published(w)?.nginx[0]?.state).toBe('unavailable');
  });

  it('writes nothing while nothing changes', async () => {
    await using w = await two();
    const writes = () => w.registry.calls.filter((call) => call.startsWith('put /sidekick/status/')).length;
    const before = writes();
    await w.pass(60_000);
    expect(writes()).toBe(before);
  });
});
