import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import { HTTP, host, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const GUARDED = { options: { guard: DEFAULT_GUARD } };
const ALL = [1, 2, 3, 4].map(host);

async function four(): Promise<Watching> {
  const w = new Watching(GUARDED);
  for (const server of ALL) w.register('firmware', server);
  await w.pass(1_000);
  return w;
}

describe('the guard', () => {
  it('lets one of four instances go', async () => {
    await using w = await four();
    w.vanish('firmware', host(4));
    await w.pass(15_000);
    expect(w.lb.addresses(HTTP)).toEqual(ALL.slice(0, 3));
  });

  it('ignores one vanished instance for the grace, and only then begins to drain it', async () => {
    await using w = await four();
    w.lb.set(HTTP, host(4), { active: 1 });
    w.vanish('firmware', host(4));
    const server = () => w.lb.servers(HTTP).find(({ address }) => address === host(4));
    await w.pass(9_500);
    expect(server()).toMatchObject({ draining: false });
    expect(w.watcher.status().nginx[0]?.upstreams[0]?.held).toEqual([]);
    await w.pass(1_000);
    expect(server()).toMatchObject({ draining: true });
  });

  it('takes what vanished before the group was first read for lost, whoever added it since', async () => {
    await using w = new Watching(GUARDED);
    await w.pass(1_000);
    // The group has no worker yet. Another watcher that still sees the key adds the server after the first read.
    w.register('firmware', host(1));
    w.vanish('firmware', host(1));
    await w.pass(0);
    w.lb.place(HTTP, host(1));
    w.register('firmware', host(2));
    await w.pass(9_000);
    expect(w.lb.servers(HTTP)).toEqual([
      expect.objectContaining({ address: host(1), draining: false }),
      expect.objectContaining({ address: host(2) }),
    ]);
    // All that was registered had vanished, so it is held.
    await w.pass(DEFAULT_GUARD.hold);
    expect(w.lb.addresses(HTTP)).toEqual([host(2)]);
  });

  it('gives no grace to a dead instance', async () => {
    const dead = new Set<string>();
    await using w = new Watching({
      ...GUARDED,
      healthCheck: ({ address }) => ({
        policy: { interval: 500, timeout: 400, rise: 1, fall: 2 },
        probe: () => (dead.has(address) ? Promise.reject(new Error('dead')) : Promise.resolve()),
      }),
    });
    for (const server of ALL) w.register('firmware', server);
    await w.pass(1_000);
    // Found dead while it was registered: it goes with its key.
    dead.add(host(4));
    await w.pass(3_000);
    w.vanish('firmware', host(4));
    await w.pass(500);
    expect(w.lb.addresses(HTTP)).toEqual(ALL.slice(0, 3));
    // Found dead only after its key went: the probes go on during the grace.
    w.vanish('firmware', host(3));
    await w.pass(500);
    expect(w.lb.addresses(HTTP)).toContain(host(3));
    dead.add(host(3));
    await w.pass(3_000);
    expect(w.lb.addresses(HTTP)).toEqual(ALL.slice(0, 2));
  });

  it('drains none of six whose sidekicks froze at once while their backends are healthy, and holds them all', async () => {
    const six = [1, 2, 3, 4, 5, 6].map(host);
    await using w = new Watching({
      ...GUARDED,
      healthCheck: () => ({
        policy: { interval: 500, timeout: 400, rise: 1, fall: 2 },
        probe: () => Promise.resolve(),
      }),
    });
    for (const server of six) w.register('firmware', server);
    await w.pass(1_000);
    for (const server of six) w.lb.set(HTTP, server, { active: 1 });
    const before = w.lb.calls.length;
    // Leases of 15 s, each kept alive every 5 s: they end within 5 s of each other.
    for (const server of six) {
      w.vanish('firmware', server);
      await w.pass(900);
    }
    await w.pass(60_000);
    const writes = w.lb.calls.slice(before).filter(({ method }) => /add|update|drain|remove/.test(method));
    expect(writes).toEqual([]);
    expect(w.watcher.status().nginx[0]?.upstreams[0]?.held.map(({ address }) => address)).toEqual(six);
  });

  it('lists only what it holds', async () => {
    const dead = new Set<string>([host(1)]);
    await using w = new Watching({
      ...GUARDED,
      healthCheck: ({ address }) => ({
        policy: { interval: 500, timeout: 400, rise: 1, fall: 2 },
        probe: () => (dead.has(address) ? Promise.reject(new Error('dead')) : Promise.resolve()),
      }),
    });
    for (const server of ALL) w.register('firmware', server);
    await w.pass(3_000);
    w.vanish('firmware', host(1));
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toEqual(ALL.slice(1));
    for (const server of ALL.slice(1)) w.vanish('firmware', server);
    await w.pass(5_000);
    const held = w.watcher.status().nginx[0]?.upstreams[0]?.held.map(({ address }) => address);
    expect(held).toEqual(ALL.slice(1));
    expect(w.log.events('servers-held').flatMap(({ fields }) => fields.addresses)).not.toContain(host(1));
  });

  it('holds a group that vanishes, logs that, and lets it go when its time is over', async () => {
    await using w = await four();
    for (const server of ALL) w.vanish('firmware', server);
    await w.pass(115_000);
    expect(w.lb.servers(HTTP).map(({ address, draining }) => [address, draining])).toEqual(
      ALL.map((server) => [server, false]),
    );
    expect(w.log.events('servers-held').length).toBeGreaterThan(0);
    expect(w.watcher.status().nginx[0]?.upstreams[0]?.held).toHaveLength(4);
    await w.pass(10_000);
    expect(w.lb.addresses(HTTP)).toEqual([]);
  });

  it('puts back what was drained before the loss showed its size', async () => {
    for (const [service, ref] of [['firmware', HTTP] as const, ['mqtt', STREAM] as const]) {
      await using w = new Watching(GUARDED);
      for (const server of ALL) w.register(service, server);
      await w.pass(1_000);
      for (const server of ALL) w.lb.set(ref, server, { active: 1 });
      for (const server of ALL) {
        w.vanish(service, server);
        await w.pass(300);
      }
      await w.pass(1_000);
      expect(w.lb.servers(ref)).toMatchObject(
        ALL.map((each) => ({ address: each, draining: false, parameters: { down: false } })),
      );
    }
  });

  it('holds nothing that asked to drain', async () => {
    await using w = await four();
    for (const server of ALL) w.register('firmware', server, { drain: true });
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([]);
  });

  it('counts a drain and the deletion right after it as a drain', async () => {
    await using w = await four();
    for (const server of ALL.slice(1)) {
      w.register('firmware', server, { drain: true });
      w.vanish('firmware', server);
    }
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('lets instances go that are registered again, with no change in NGINX', async () => {
    await using w = await four();
    for (const server of ALL) w.vanish('firmware', server);
    await w.pass(1_000);
    const before = w.lb.calls.length;
    for (const server of ALL) w.register('firmware', server);
    await w.pass(200_000);
    const writes = w.lb.calls.slice(before).filter(({ method }) => /add|update|drain|remove/.test(method));
    expect(writes).toEqual([]);
    expect(w.watcher.status().nginx[0]?.upstreams[0]?.held).toEqual([]);
  });

  it('is ended by an operator, through etcd', async () => {
    await using w = await four();
    for (const server of ALL.slice(1)) w.vanish('firmware', server);
    await w.pass(5_000);
    expect(w.lb.addresses(HTTP)).toHaveLength(4);
    w.registry.write('/sidekick/unhold/firmware', '');
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('holds as part of a new watcher what vanished before the watcher started', async () => {
    const first = await four();
    await first.stop();
    for (const server of ALL.slice(1)) first.vanish('firmware', server);
    await using second = new Watching({ ...GUARDED, nginx: first.nginx, registry: first.registry });
    await second.pass(10_000);
    expect(second.lb.servers(HTTP)).toMatchObject(ALL.map((each) => ({ address: each, draining: false })));
  });

  it('does not affect what a dead watcher was draining', async () => {
    const first = await four();
    first.lb.set(HTTP, host(4), { active: 1 });
    first.vanish('firmware', host(4));
    await first.pass(11_000);
    await first.stop();
    await using second = new Watching({ ...GUARDED, nginx: first.nginx, registry: first.registry });
    second.lb.set(HTTP, host(4), { active: 0 });
    await second.pass(2_500);
    expect(second.lb.addresses(HTTP)).toEqual(ALL.slice(0, 3));
  });
});
