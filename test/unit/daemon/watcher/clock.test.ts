import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NginxError } from '../../../../src/core/errors.js';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import { HTTP, host, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

/** As NTP after boot, an operator, or a virtual machine that is resumed. */
function setClock(by: number): void {
  vi.setSystemTime(Date.now() + by);
}

const JUMPS = [
  ['45 s back', -45_000],
  ['an hour forward', 3_600_000],
  ['a year back', -365 * 86_400_000],
] as const;

const THREE = [1, 2, 3].map(host);

async function watching(): Promise<Watching> {
  const w = new Watching({ options: { guard: DEFAULT_GUARD } });
  for (const server of THREE) w.register('firmware', server);
  await w.pass(1_000);
  return w;
}

const writes = (w: Watching) =>
  w.lb.calls.filter(({ method }) => /add|update|drain|remove/.test(method)).length;

describe.each(JUMPS)('a clock that is set %s', (_, by) => {
  it('does not delay a change', async () => {
    await using w = await watching();
    setClock(by);
    await w.pass(1_000);
    w.register('firmware', host(4));
    await w.pass(500);
    expect(w.lb.addresses(HTTP)).toContain(host(4));
    w.register('firmware', host(4), { drain: true });
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual(THREE);
    expect(w.watcher.ready).toBe(true);
  });

  it('neither ends nor lengthens what the guard holds', async () => {
    await using w = await watching();
    for (const server of THREE) w.vanish('firmware', server);
    await w.pass(15_000);
    const before = writes(w);
    setClock(by);
    await w.pass(100_000);
    expect(writes(w)).toBe(before);
    expect(w.watcher.status().nginx[0]?.upstreams[0]?.held).toHaveLength(3);
    await w.pass(10_000);
    expect(w.lb.addresses(HTTP)).toEqual([]);
  });

  it('does not end the grace of a vanished instance', async () => {
    await using w = await watching();
    w.lb.set(HTTP, host(3), { active: 1 });
    w.vanish('firmware', host(3));
    await w.pass(2_000);
    setClock(by);
    await w.pass(7_000);
    expect(w.lb.servers(HTTP).every(({ draining }) => !draining)).toBe(true);
    await w.pass(2_000);
    expect(w.lb.servers(HTTP).filter(({ draining }) => draining)).toHaveLength(1);
  });

  it('neither ends nor lengthens a drain', async () => {
    await using w = await watching();
    w.lb.set(HTTP, host(3), { active: 1 });
    w.register('firmware', host(3), { drain: true });
    await w.pass(10_000);
    setClock(by);
    await w.pass(18_000);
    expect(w.lb.addresses(HTTP)).toContain(host(3));
    await w.pass(4_000);
    expect(w.lb.addresses(HTTP)).toEqual(THREE.slice(0, 2));
  });

  it('does not lengthen the back-off towards an unavailable NGINX', async () => {
    await using w = await watching();
    w.lb.fault = () => ({ before: new NginxError('UNREACHABLE', 'away') });
    await w.pass(5_000);
    setClock(by);
    w.register('firmware', host(4));
    await w.pass(5_000);
    w.lb.fault = () => undefined;
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toContain(host(4));
  });

  it('does not cost the watcher its lease', async () => {
    await using w = await watching();
    const leases = w.registry.leases();
    setClock(by);
    await w.pass(60_000);
    expect(w.registry.leases()).toEqual(leases);
    expect(w.registry.keys()).toContain('/sidekick/watchers/lb1');
  });

  it('appears in the times that people read, and in nothing else', async () => {
    await using w = await watching();
    for (const server of THREE) w.vanish('firmware', server);
    await w.pass(5_000);
    const until = () => w.watcher.status().nginx[0]?.upstreams[0]?.held[0]?.until ?? 0;
    const before = until() - Date.now();
    setClock(by);
    expect(Math.abs(until() - Date.now() - before)).toBeLessThanOrEqual(1);
  });

  it('does not make the loops look stuck', async () => {
    await using w = await watching();
    setClock(by);
    expect(performance.now() - w.watcher.lastProgress).toBeLessThan(5_000);
    await w.pass(5_000);
    expect(performance.now() - w.watcher.lastProgress).toBeLessThan(5_000);
  });
});
