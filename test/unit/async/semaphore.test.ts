import { describe, expect, it, vi } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import { Semaphore } from '../../../src/async/semaphore.js';

/** Lets every promise that can settle do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A call that ends when it is told to. */
function heldCall() {
  let end = () => {};
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { call: vi.fn((_signal: AbortSignal) => promise), end };
}

describe('Semaphore', () => {
  it('starts no more calls than its limit, and the queued ones in order as others end', async () => {
    const semaphore = new Semaphore(2);
    const calls = [heldCall(), heldCall(), heldCall(), heldCall()] as const;
    const outcomes = calls.map(({ call }) => semaphore.run(NEVER, call));
    await settled();
    expect(calls.map(({ call }) => call.mock.calls.length)).toEqual([1, 1, 0, 0]);
    expect(semaphore.hasQueue).toBe(true);
    calls[1].end();
    await settled();
    expect(calls.map(({ call }) => call.mock.calls.length)).toEqual([1, 1, 1, 0]);
    for (const { end } of calls) end();
    await Promise.all(outcomes);
    expect(semaphore.hasQueue).toBe(false);
    expect(calls[3].call).toHaveBeenCalledOnce();
  });

  it('frees its place after a call that fails', async () => {
    const semaphore = new Semaphore(1);
    await expect(semaphore.run(NEVER, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(semaphore.run(NEVER, async () => 'next')).resolves.toBe('next');
  });

  it("does not start a queued call whose signal is aborted, and rejects with the signal's reason", async () => {
    const semaphore = new Semaphore(1);
    const [first, second] = [heldCall(), heldCall()];
    const stop = new AbortController();
    const running = semaphore.run(NEVER, first.call);
    const queued = semaphore.run(stop.signal, second.call);
    stop.abort(new Error('enough'));
    first.end();
    await running;
    await expect(queued).rejects.toThrow('enough');
    expect(second.call).not.toHaveBeenCalled();
    await expect(semaphore.run(NEVER, async () => 'next')).resolves.toBe('next');
  });

  it('waits for a started call although the signal is aborted', async () => {
    const semaphore = new Semaphore(1);
    const held = heldCall();
    const stop = new AbortController();
    const running = semaphore.run(stop.signal, held.call);
    await settled();
    stop.abort();
    expect(held.call.mock.calls[0]?.[0].aborted).toBe(false);
    held.end();
    await expect(running).resolves.toBeUndefined();
  });
});
