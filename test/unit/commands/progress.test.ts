import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { announceSlowCalls } from '../../../src/commands/announce-slow-calls.js';
import { waitWithProgress } from '../../../src/commands/wait-with-progress.js';
import { FakeRegistry } from '../../support/fake-registry.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const { signal } = new AbortController();

it('a wait of more than a second says what it waits for, then every ten seconds', async () => {
  const out = new PassThrough();
  const never = () => new Promise<never>(() => {});
  void waitWithProgress({ out, timeout: 60_000, what: () => 'w1' }, signal, never).catch(() => {});
  await vi.advanceTimersByTimeAsync(999);
  expect(out.read()).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(String(out.read())).toBe('still waiting for w1 (1s of 1m)\n');
  await vi.advanceTimersByTimeAsync(9_999);
  expect(out.read()).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  expect(String(out.read())).toBe('still waiting for w1 (11s of 1m)\n');
});

it('a call to etcd of more than a second is announced once, a quick one not at all', async () => {
  const registry = new FakeRegistry();
  const announce = vi.fn();
  const store = announceSlowCalls(registry, announce);
  await store.put('/k', 'v', {}, signal);
  expect([...(await store.read(['/k'], signal)).keys()]).toEqual(['/k']);
  await vi.advanceTimersByTimeAsync(5000);
  expect(announce).not.toHaveBeenCalled();
  registry.fault('frozen');
  const aborted = new AbortController();
  const call = store.list('/', aborted.signal).catch(() => {});
  await vi.advanceTimersByTimeAsync(999);
  expect(announce).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(5000);
  expect(announce).toHaveBeenCalledOnce();
  aborted.abort();
  await call;
});
