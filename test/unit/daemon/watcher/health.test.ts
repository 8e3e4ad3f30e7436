import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import type { WatcherPorts } from '../../../../src/daemon/watcher/options.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const POLICY = { interval: 1_000, timeout: 500, rise: 2, fall: 3 };

/** Probes that fail for the addresses in `dead`. */
function probes(dead: Set<Address>): NonNullable<WatcherPorts['healthCheck']> {
  return ({ address }) => ({
    policy: POLICY,
    probe: () => (dead.has(address) ? Promise.reject(new Error('refused')) : Promise.resolve()),
  });
}

async function three(dead: Set<Address>): Promise<Watching> {
  const w = new Watching({ healthCheck: probes(dead) });
  for (const n of [1, 2, 3]) {
    w.register('firmware', host(n));
    w.register('mqtt', host(n));
  }
  await w.pass(2_000);
  return w;
}

const down = (w: Watching) =>
  w.lb.servers(HTTP).flatMap(({ address, parameters }) => (parameters.down ? [address] : []));

describe('a watcher that probes', () => {
  it('marks a server down after `fall` failed probes, and up after `rise` successful ones', async () => {
    const dead = new Set<Address>();
    await using w = await three(dead);
    expect(down(w)).toEqual([]);
    dead.add(host(2));
    await w.pass(1_500);
    expect(down(w)).toEqual([]);
    await w.pass(2_500);
    expect(down(w)).toEqual([host(2)]);
    expect(w.lb.find(STREAM, host(2))?.parameters.down).toBe(true);
    dead.clear();
    await w.pass(3_000);
    expect(down(w)).toEqual([]);
    expect(w.log.events('server-unhealthy')).toHaveLength(2);
    expect(w.log.events('server-healthy')).toHaveLength(2);
  });

  it('removes a dead server at once when its key is gone too', async () => {
    const dead = new Set<Address>();
    await using w = await three(dead);
    w.lb.set(HTTP, host(2), { active: 5 });
    dead.add(host(2));
    await w.pass(4_000);
    w.vanish('firmware', host(2));
    await w.pass(200);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(3)]);
  });

  it('never interferes with a drain: it neither puts a server back nor removes it before it is idle', async () => {
    const dead = new Set<Address>();
    await using w = await three(dead);
    w.lb.set(STREAM, host(2), { active: 1 });
    w.register('mqtt', host(2), { drain: true });
    await w.pass(5_000);
    dead.add(host(2));
    await w.pass(5_000);
    dead.clear();
    await w.pass(5_000);
    expect(w.lb.find(STREAM, host(2))?.parameters.down).toBe(true);
    w.lb.set(STREAM, host(2), { active: 0 });
    await w.pass(2_500);
    expect(w.lb.addresses(STREAM)).toEqual([host(1), host(3)]);
  });

  it('probes by default what the gateway serves, which has no health checks of its own', async () => {
    const gateway = new FakeNginx({ name: 'gateway', http: ['firmware'] });
    const plus = new FakeNginx({ name: 'plus', stream: ['mqtt'] });
    gateway.build = 'nginx-plus-r30-sidekick-gateway';
    const dead = new Set([host(2)]);
    await using w = new Watching({
      nginx: [gateway, plus],
      healthCheck: (instance, unchecked) => (unchecked ? probes(dead)(instance, unchecked) : undefined),
    });
    for (const n of [1, 2, 3]) {
      w.register('firmware', host(n));
      w.register('mqtt', host(n));
    }
    await w.pass(4_000);
    expect(down(w)).toEqual([host(2)]);
    expect(plus.servers(STREAM).filter(({ parameters }) => parameters.down)).toEqual([]);
  });

  it('ignores probes that would leave nothing up', async () => {
    const dead = new Set([host(1), host(2), host(3)]);
    await using w = await three(dead);
    await w.pass(20_000);
    expect(down(w)).toEqual([]);
    dead.delete(host(1));
    await w.pass(3_000);
    expect(down(w)).toEqual([host(2), host(3)]);
  });

  it('puts no dead server back when it restarts and the probes have not ended yet', async () => {
    const dead = new Set([host(2)]);
    const first = await three(dead);
    await first.pass(3_000);
    expect(down(first)).toEqual([host(2)]);
    await first.stop();
    const up: Address[] = [];
    first.lb.changed = () => {
      const server = first.lb.find(HTTP, host(2));
      if (server && !server.parameters.down) up.push(server.address);
    };
    const slow: WatcherPorts['healthCheck'] = ({ address }) => ({
      policy: POLICY,
      probe: async () => {
        await new Promise((resolve) => setTimeout(resolve, 400));
        if (dead.has(address)) throw new Error('refused');
      },
    });
    await using second = new Watching({
      nginx: first.nginx,
      registry: first.registry,
      healthCheck: slow,
    });
    await second.pass(5_000);
    expect(up).toEqual([]);
    expect(down(second)).toEqual([host(2)]);
  });

  it('leaves services alone that are not probed', async () => {
    await using w = new Watching({
      healthCheck: (instance) =>
        instance.service === 'mqtt' ? probes(new Set())(instance, undefined) : undefined,
    });
    w.lb.place(HTTP, host(1), { down: true });
    w.register('firmware', host(1));
    w.register('mqtt', host(1));
    await w.pass(500);
    expect(down(w)).toEqual([]);
  });

  it('leaves instances alone that are not probed, in a group where others are', async () => {
    const upstreams = ['a', 'b'].map((service) => ({ service, kind: 'http' as const, upstream: 'firmware' }));
    await using w = new Watching({
      options: { upstreams },
      healthCheck: (instance) =>
        instance.service === 'a' ? probes(new Set())(instance, undefined) : undefined,
    });
    w.lb.place(HTTP, host(2), { down: true });
    w.register('a', host(1));
    w.register('b', host(2));
    await w.pass(500);
    expect(down(w)).toEqual([]);
  });

  it('puts back what probes marked down when probing is switched off', async () => {
    const dead = new Set([host(2)]);
    let on = true;
    await using w = new Watching({
      healthCheck: (instance) => (on ? probes(dead)(instance, undefined) : undefined),
    });
    for (const n of [1, 2]) w.register('firmware', host(n));
    await w.pass(4_000);
    expect(down(w)).toEqual([host(2)]);
    on = false;
    w.watcher.reconfigure(w.options);
    await w.pass(500);
    expect(down(w)).toEqual([]);
  });
});
