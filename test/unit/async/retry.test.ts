import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { retry } from '../../../src/async/retry.js';
import { withTimeLimit } from '../../../src/async/time-limit.js';

const NEVER = new AbortController().signal;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('retry', () => {
  const options = { min: 100, max: 1000, signal: NEVER };

  it('resolves with what works at last', async () => {
    let left = 5;
    const result = retry(async () => {
      if (left-- > 0) throw new Error('not yet');
      return 'works';
    }, options);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(result).resolves.toBe('works');
  });

  it('waits longer each time, but never much longer than the longest wait', async () => {
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

  it('ends when it is told to, with the failure', async () => {
    const failure = new Error('for good');
    const result = retry(() => Promise.reject(failure), { ...options, while: (error) => error !== failure });
    await expect(result).rejects.toBe(failure);
  });

  it('tells of each failure', async () => {
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
});

describe('withTimeLimit', () => {
  it('aborts by a TimeoutError when the time is over', async () => {
    const outcome = withTimeLimit(
      50,
      NEVER,
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const expected = expect(outcome).rejects.toMatchObject({
      name: 'TimeoutError',
      message: 'not done within 50 ms',
    });
    await vi.advanceTimersByTimeAsync(50);
    await expected;
  });

  it("passes on its caller's reason, also one from before", async () => {
    const reason = new Error('enough');
    const outcome = withTimeLimit(50, AbortSignal.abort(reason), async (signal) => signal.throwIfAborted());
    await expect(outcome).rejects.toBe(reason);
  });

  it('leaves nothing behind', async () => {
    const stop = new AbortController();
    const remove = vi.spyOn(stop.signal, 'removeEventListener');
    await withTimeLimit(50, stop.signal, async () => 'done');
    expect(vi.getTimerCount()).toBe(0);
    expect(remove).toHaveBeenCalledOnce();
  });
});
