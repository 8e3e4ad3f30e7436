import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProbeBudget } from '../../../../src/daemon/watcher/probe-budget.js';
import { useFakeClock } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const SIGNAL = new AbortController().signal;

function budget(underWay: number, perSecond = 1_000) {
  const shared = new ProbeBudget(
    () => ({ underWay, perSecond }),
    () => performance.now(),
  );
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const probe = (service: string, name: string, signal = SIGNAL) =>
    shared.run(service, signal, () => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.push(() => resolve(name)));
    });
  return { begun, ends, probe };
}

describe('the budget of the probes of all services', () => {
  it('limits the probes at a time', async () => {
    const { begun, ends, probe } = budget(2);
    for (const name of ['a1', 'a2', 'a3', 'a4']) void probe('a', name);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(begun).toEqual(['a1', 'a2']);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(['a1', 'a2', 'a3']);
  });

  it('takes turns by service, whichever came first', async () => {
    const { begun, ends, probe } = budget(1);
    for (const name of ['a1', 'a2', 'a3', 'a4']) void probe('a', name);
    for (const name of ['b1', 'b2']) void probe('b', name);
    void probe('c', 'c1');
    for (let i = 0; i < 7; i++) {
      await vi.advanceTimersByTimeAsync(10);
      ends[i]?.();
    }
    await vi.advanceTimersByTimeAsync(10);
    expect(begun).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('limits the probes in a second', async () => {
    const { begun, probe } = budget(1_000, 50);
    for (let i = 0; i < 500; i++) void probe('a', `${i}`);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(begun.length).toBeGreaterThanOrEqual(95);
    expect(begun.length).toBeLessThanOrEqual(106);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(begun).toHaveLength(500);
  });

  it('begins a probe at once where one in a tenth of a second may begin, and the next as soon as it may', async () => {
    const { begun, probe } = budget(10, 10);
    void probe('a', 'a1');
    await vi.advanceTimersByTimeAsync(50);
    void probe('a', 'a2');
    await vi.advanceTimersByTimeAsync(49);
    expect(begun).toEqual(['a1']);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(['a1', 'a2']);
  });

  it('runs no probe that is not wanted any more when it comes', async () => {
    const { begun, probe } = budget(1);
    expect(await probe('a', 'a1', AbortSignal.abort())).toBeUndefined();
    expect(begun).toEqual([]);
  });

  it('gives the place of a service to the next one when none of its probes is wanted any more', async () => {
    const { begun, ends, probe } = budget(1);
    const stop = new AbortController();
    void probe('a', 'a1');
    void probe('b', 'b1', stop.signal);
    void probe('c', 'c1');
    await vi.advanceTimersByTimeAsync(0);
    stop.abort();
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(10);
    expect(begun).toEqual(['a1', 'c1']);
  });

  it('keeps those in the queue that wait behind a probe that is stopped while it runs', async () => {
    const { begun, ends, probe } = budget(1);
    const stop = new AbortController();
    void probe('a', 'a1', stop.signal);
    void probe('a', 'a2');
    await vi.advanceTimersByTimeAsync(0);
    stop.abort();
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(10);
    expect(begun).toEqual(['a1', 'a2']);
  });

  it('drops queued probes that are no longer wanted, and frees the place of failed ones', async () => {
    const { begun, ends, probe } = budget(1);
    const stop = new AbortController();
    void probe('a', 'a1');
    const left = probe('a', 'a2', stop.signal);
    void probe('a', 'a3');
    stop.abort();
    expect(await left).toBeUndefined();
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(10);
    expect(begun).toEqual(['a1', 'a3']);
    const failing = new ProbeBudget(
      () => ({ underWay: 1, perSecond: 1_000 }),
      () => performance.now(),
    );
    await expect(failing.run('a', SIGNAL, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await failing.run('a', SIGNAL, () => Promise.resolve('next'))).toBe('next');
  });
});
