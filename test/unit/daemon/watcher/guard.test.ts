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
  it('lets one of four go', async () => {
    await using w = await four();
    w.vanish('firmware', host(4));
    await w.pass(5_000);
    expect(w.lb.addresses(HTTP)).toEqual(ALL.slice(0, 3));
  });

  it('holds a group that vanishes, says so, and lets it go when its time is over', async () => {
    await using w = await four();
    for (const server of ALL) w.vanish('firmware', server);
    await w.pass(115_000);
    expect(w.lb.servers(HTTP).map(({ address, draining }) => [address, draining])).toEqual(
      ALL.map((server) => [server, false]),
    );
    expect(w.log.events('guard-holding').length).toBeGreaterThan(0);
    expect(w.watcher.status().nginx[0]?.upstreams[0]?.held).toHaveLength(4);
    await w.pass(10_000);
    expect(w.lb.addresses(HTTP)).toEqual([]);
  });

  it('puts back what it had begun to drain before the loss showed its size', async () => {
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

  it('takes a drain and the deletion right after it for what they are', async () => {
    await using w = await four();
    for (const server of ALL.slice(1)) {
      w.register('firmware', server, { drain: true });
      w.vanish('firmware', server);
    }
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('lets those go that are registered again, with no change in NGINX', async () => {
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

  it('is released by an operator, through etcd', async () => {
    await using w = await four();
    for (const server of ALL.slice(1)) w.vanish('firmware', server);
    await w.pass(5_000);
    expect(w.lb.addresses(HTTP)).toHaveLength(4);
    w.registry.write('/sidekick/release/firmware', '');
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('of a watcher that has just begun holds what vanished before it came', async () => {
    const first = await four();
    await first.stop();
    for (const server of ALL.slice(1)) first.vanish('firmware', server);
    await using second = new Watching({ ...GUARDED, nginx: first.nginx, registry: first.registry });
    await second.pass(10_000);
    expect(second.lb.servers(HTTP)).toMatchObject(ALL.map((each) => ({ address: each, draining: false })));
  });

  it('stays out of the way of what a dead watcher was draining', async () => {
    const first = await four();
    first.lb.set(HTTP, host(4), { active: 1 });
    first.vanish('firmware', host(4));
    await first.pass(1_000);
    await first.stop();
    await using second = new Watching({ ...GUARDED, nginx: first.nginx, registry: first.registry });
    second.lb.set(HTTP, host(4), { active: 0 });
    await second.pass(2_500);
    expect(second.lb.addresses(HTTP)).toEqual(ALL.slice(0, 3));
  });
});
