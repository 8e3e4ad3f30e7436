import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import { Wakeup } from '../../../src/async/wakeup.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('Wakeup', () => {
  it('ends the wait under way', async () => {
    const wakeup = new Wakeup();
    const waiting = wakeup.wait(1000, NEVER);
    wakeup.wake();
    await waiting;
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps one wake-up for the next wait, however many came while nobody waited', async () => {
    const wakeup = new Wakeup();
    wakeup.wake();
    wakeup.wake();
    await wakeup.wait(1000, NEVER);

    const second = vi.fn();
    const waiting = wakeup.wait(1000, NEVER).then(second);
    await vi.advanceTimersByTimeAsync(999);
    expect(second).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const wakeup = new Wakeup();
    const waiting = wakeup.wait(1000, signal);
    wakeup.wake();
    await waiting;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('forgets a wake-up that ended a wait', async () => {
    const wakeup = new Wakeup();
    const first = wakeup.wait(1000, NEVER);
    wakeup.wake();
    await first;
    const second = vi.fn();
    void wakeup.wait(1000, NEVER).then(second);
    await vi.advanceTimersByTimeAsync(999);
    expect(second).not.toHaveBeenCalled();
  });

  it('resolves when the signal is aborted, before or during the wait', async () => {
    const stop = new AbortController();
    const waiting = new Wakeup().wait(1000, stop.signal);
    stop.abort();
    await waiting;
    await new Wakeup().wait(1000, stop.signal);
    expect(vi.getTimerCount()).toBe(0);
  });
});
