import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RateLimit } from '../../../src/async/rate-limit.js';

const NEVER = new AbortController().signal;

describe('RateLimit', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('spreads amounts over time, in the order of the calls', async () => {
    const rate = new RateLimit(100, () => Date.now());
    const began = Date.now();
    const passed: [string, number][] = [];
    for (const name of ['a', 'b', 'c']) {
      void rate.pass(50, NEVER).then(() => passed.push([name, Date.now() - began]));
    }

    await vi.advanceTimersByTimeAsync(2_000);

    expect(passed).toEqual([
      ['a', 0],
      ['b', 500],
      ['c', 1_000],
    ]);
  });

  it('delays nothing without a limit', async () => {
    const rate = new RateLimit(Number.POSITIVE_INFINITY, () => Date.now());
    await rate.pass(1e9, NEVER);
    await rate.pass(1e9, NEVER);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends a wait when the signal is aborted', async () => {
    const rate = new RateLimit(1, () => Date.now());
    const stop = new AbortController();
    await rate.pass(100, NEVER);
    const waiting = rate.pass(1, stop.signal);
    stop.abort();
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });
});
