import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Health, UNKNOWN_HEALTH } from '../../../src/core/health.js';
import type { Probe } from '../../../src/core/ports.js';
import { runProbeLoop } from '../../../src/daemon/probe-loop.js';

const policy = { interval: 1000, timeout: 200, rise: 2, fall: 3 };

beforeEach(() => vi.useFakeTimers({ now: 0 }));
afterEach(() => vi.useRealTimers());

function start(probe: Probe) {
  const stop = new AbortController();
  const seen: [Health['status'], string | undefined][] = [];
  const onHealth = ({ status }: Health, reason: string | undefined) => seen.push([status, reason]);
  const done = runProbeLoop({ probe, policy, health: UNKNOWN_HEALTH, onHealth }, stop.signal);
  return { stop, seen, done };
}

describe('keepProbing', () => {
  it('probes at once, and then an interval after the end of each probe, give or take a tenth', async () => {
    const starts: number[] = [];
    const { stop, done } = start(async () => {
      starts.push(Date.now());
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    await vi.advanceTimersByTimeAsync(20_000);
    stop.abort();
    await done;

    expect(starts[0]).toBe(0);
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(1000);
      expect(gap).toBeLessThanOrEqual(1200);
    }
  });

  it('reports why a probe failed', async () => {
    const { seen } = start(() => Promise.reject(new Error('no route')));
    await vi.advanceTimersByTimeAsync(10);
    expect(seen).toEqual([['unhealthy', 'no route']]);
  });

  it('continues after a probe that ignores its signal', async () => {
    const { seen } = start(() => new Promise(() => undefined));
    await vi.advanceTimersByTimeAsync(3000);
    expect(seen.length).toBeGreaterThan(1);
  });

  it('aborts the probe when its time is over', async () => {
    let reason: unknown;
    start(
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            reject(signal.reason);
          });
        }),
    );
    await vi.advanceTimersByTimeAsync(250);
    expect(reason).toMatchObject({ name: 'TimeoutError' });
  });

  it('ends at once when it is aborted, during and between probes', async () => {
    const inProbe = start(() => new Promise(() => undefined));
    const between = start(() => Promise.resolve());
    await vi.advanceTimersByTimeAsync(50);
    inProbe.stop.abort();
    between.stop.abort();
    await Promise.all([inProbe.done, between.done]);

    expect(inProbe.seen).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
