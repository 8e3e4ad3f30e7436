import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import { sleep } from '../../../src/async/sleep.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('sleep', () => {
  it('resolves when the time is over, and not before', async () => {
    const done = vi.fn();
    const outcome = sleep(100, NEVER).then(done);
    await vi.advanceTimersByTimeAsync(99);
    expect(done).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await outcome;
    expect(done).toHaveBeenCalledOnce();
  });

  it('resolves as soon as the signal is aborted, and leaves no timer behind', async () => {
    const stop = new AbortController();
    const outcome = sleep(100, stop.signal);
    stop.abort();
    await outcome;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const outcome = sleep(100, signal);
    await vi.advanceTimersByTimeAsync(100);
    await outcome;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('resolves at once for an aborted signal', async () => {
    await sleep(100, AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });
});
