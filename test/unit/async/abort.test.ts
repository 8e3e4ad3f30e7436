import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  aborted,
  deriveAbort,
  isTimeout,
  NEVER,
  raceAbort,
  TimeoutError,
  withTimeout,
} from '../../../src/async/abort.js';

const REASON = new Error('enough');

/** Rejects with the signal's reason when that is aborted. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
}

function listenersOn(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

describe('NEVER', () => {
  it('has room for any number of listeners', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    const listeners = Array.from({ length: 20 }, () => () => undefined);
    for (const listener of listeners) NEVER.addEventListener('abort', listener);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warned);
    for (const listener of listeners) NEVER.removeEventListener('abort', listener);
    expect(warned).not.toHaveBeenCalled();
  });
});

describe('aborted', () => {
  it('resolves when the signal is aborted', async () => {
    const stop = new AbortController();
    const done = vi.fn();
    const outcome = aborted(stop.signal).then(done);
    await Promise.resolve();
    expect(done).not.toHaveBeenCalled();
    stop.abort();
    await outcome;
    expect(done).toHaveBeenCalledOnce();
  });

  it('resolves at once for an aborted signal', async () => {
    await expect(aborted(AbortSignal.abort())).resolves.toBeUndefined();
  });
});

describe('deriveAbort', () => {
  it('is aborted with its parent, for the same reason', () => {
    const parent = new AbortController();
    const derived = deriveAbort(parent.signal);
    expect(derived.signal.aborted).toBe(false);
    parent.abort(REASON);
    expect(derived.signal.reason).toBe(REASON);
  });

  it('is aborted from the start where its parent is', () => {
    expect(deriveAbort(AbortSignal.abort(REASON)).signal.reason).toBe(REASON);
  });

  it('does not abort its parent', () => {
    const parent = new AbortController();
    const derived = deriveAbort(parent.signal);
    derived.abort(REASON);
    expect(derived.signal.reason).toBe(REASON);
    expect(parent.signal.aborted).toBe(false);
  });

  it('is not aborted by its parent after dispose, and leaves no listener on it', () => {
    const controller = new AbortController();
    const { signal } = controller;
    const derived = deriveAbort(signal);
    derived.dispose();
    controller.abort(REASON);
    expect(derived.signal.aborted).toBe(false);
    expect(listenersOn(signal)).toBe(0);
  });
});

describe('raceAbort', () => {
  it('settles like the promise while the signal is not aborted', async () => {
    await expect(raceAbort(Promise.resolve('value'), NEVER)).resolves.toBe('value');
    await expect(raceAbort(Promise.reject(REASON), NEVER)).rejects.toBe(REASON);
  });

  it("rejects with the signal's reason although the promise never settles", async () => {
    const stop = new AbortController();
    const outcome = raceAbort(new Promise(() => undefined), stop.signal);
    stop.abort(REASON);
    await expect(outcome).rejects.toBe(REASON);
    await expect(raceAbort(new Promise(() => undefined), stop.signal)).rejects.toBe(REASON);
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    await raceAbort(Promise.resolve(), signal);
    await Promise.resolve();
    expect(listenersOn(signal)).toBe(0);
  });
});

describe('isTimeout', () => {
  it('recognises the time-out errors of this project and of AbortSignal.timeout, and no other error', async () => {
    const signal = AbortSignal.timeout(0);
    await aborted(signal);
    expect(isTimeout(signal.reason)).toBe(true);
    expect(isTimeout(new TimeoutError('late'))).toBe(true);
    expect(isTimeout(AbortSignal.abort().reason)).toBe(false);
    expect(isTimeout('TimeoutError')).toBe(false);
    expect(isTimeout({ name: 'TimeoutError' })).toBe(false);
  });
});

describe('withTimeout', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('aborts the work with a TimeoutError when the time is over', async () => {
    const expected = expect(withTimeout(50, NEVER, untilAborted)).rejects.toEqual(
      new TimeoutError('not done within 50 ms'),
    );
    await vi.advanceTimersByTimeAsync(50);
    await expected;
  });

  it('rejects with the reason of its caller when the caller aborts, which is no time-out', async () => {
    const stop = new AbortController();
    const outcome = withTimeout(50, stop.signal, untilAborted);
    stop.abort(REASON);
    await expect(outcome).rejects.toBe(REASON);
  });

  it('does not begin if the signal is aborted already', async () => {
    const work = vi.fn(async () => 'done');
    await expect(withTimeout(50, AbortSignal.abort(REASON), work)).rejects.toBe(REASON);
    expect(work).not.toHaveBeenCalled();
  });

  it('leaves no timer and no listener behind', async () => {
    const { signal } = new AbortController();
    await expect(withTimeout(50, signal, async () => 'done')).resolves.toBe('done');
    await expect(withTimeout(50, signal, () => Promise.reject(REASON))).rejects.toBe(REASON);
    expect(vi.getTimerCount()).toBe(0);
    expect(listenersOn(signal)).toBe(0);
  });
});
