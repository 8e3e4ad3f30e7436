import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import { retry } from '../../../src/async/retry.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('retry', () => {
  const options = { min: 100, max: 1000, signal: NEVER };

  it('resolves with the result of the first attempt that succeeds', async () => {
    let left = 5;
    const result = retry(async () => {
      if (left-- > 0) throw new Error('not yet');
      return 'works';
    }, options);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(result).resolves.toBe('works');
  });

  it('doubles its wait from min to max, give or take a quarter', async () => {
    const times: number[] = [];
    const stop = new AbortController();
    const result = retry(
      async () => {
        times.push(Date.now());
        throw new Error('never');
      },
      { ...options, signal: stop.signal },
    );
    await vi.advanceTimersByTimeAsync(60_000);
    stop.abort();
    await expect(result).rejects.toBe(stop.signal.reason);

    const waits = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(waits[0]).toBeGreaterThanOrEqual(100);
    expect(waits[0]).toBeLessThanOrEqual(200);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1250);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(750);
  });

  it.each([
    [0, [100, 200, 400, 750, 750]],
    [0.5, [150, 300, 600, 1000, 1000]],
  ])('lengthens its waits by the randomness %d', async (random, expected) => {
    vi.spyOn(Math, 'random').mockReturnValue(random);
    const times: number[] = [];
    const result = retry(async () => {
      times.push(Date.now());
      if (times.length <= expected.length) throw new Error('not yet');
    }, options);
    await vi.advanceTimersByTimeAsync(10_000);
    await result;
    expect(times.slice(1).map((at, index) => at - (times[index] ?? 0))).toEqual(expected);
  });

  it('rejects with the failure once `while` returns false', async () => {
    const failure = new Error('for good');
    const result = retry(() => Promise.reject(failure), { ...options, while: (error) => error !== failure });
    await expect(result).rejects.toBe(failure);
  });

  it('calls onFailure with each failure', async () => {
    const told: string[] = [];
    let left = 2;
    const result = retry(
      async () => {
        if (left-- > 0) throw new Error(`${left}`);
      },
      { ...options, onFailure: ({ message }) => told.push(message) },
    );
    await vi.advanceTimersByTimeAsync(5000);
    await result;
    expect(told).toEqual(['1', '0']);
  });

  it("rejects with the signal's reason in the middle of a wait", async () => {
    const stop = new AbortController();
    const result = retry(() => Promise.reject(new Error('never')), { ...options, signal: stop.signal });
    const expected = expect(result).rejects.toThrow('enough');
    await vi.advanceTimersByTimeAsync(50);
    stop.abort(new Error('enough'));
    await expected;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not repeat a TypeError, which is a defect', async () => {
    const attempt = vi.fn(() => Promise.reject(new TypeError('undefined is not a function')));
    await expect(retry(attempt, options)).rejects.toThrow('undefined is not a function');
    expect(attempt).toHaveBeenCalledOnce();
  });
});
