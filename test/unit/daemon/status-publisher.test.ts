import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EtcdError } from '../../../src/core/errors.js';
import { StatusPublisher } from '../../../src/daemon/status-publisher.js';
import { FakeRegistry } from '../../support/fake-registry.js';
import { recordingLog } from '../../support/silent.js';
import { useFakeClock } from '../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const KEY = '/sidekick/status/watchers/lb1';

function publishing(store = new FakeRegistry(Date.now())) {
  const state = { lease: store.lease(), status: new Map([[KEY, 'one']]) };
  const log = recordingLog();
  const stop = new AbortController();
  const publisher = new StatusPublisher({ store, log, lease: () => state.lease, status: () => state.status });
  const done = publisher.run(stop.signal);
  const puts = () => store.calls.filter((call) => call.startsWith('put')).length;
  return {
    store,
    state,
    log,
    puts,
    async end() {
      stop.abort();
      await vi.advanceTimersByTimeAsync(0);
      await done;
    },
  };
}

describe('StatusPublisher', () => {
  it('writes what has changed, at most every two seconds, and nothing while nothing changes', async () => {
    const p = publishing();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(p.store.get(KEY)).toMatchObject({ value: 'one', lease: p.state.lease });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(p.puts()).toBe(1);
    for (let n = 0; n < 40; n++) {
      p.state.status = new Map([[KEY, `${n}`]]);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(p.puts()).toBeLessThanOrEqual(3);
    p.state.status = new Map();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(p.store.get(KEY)).toBeUndefined();
    await p.end();
  });

  it('writes everything again under another lease', async () => {
    const p = publishing();
    await vi.advanceTimersByTimeAsync(2_000);
    p.store.expire(p.state.lease);
    expect(p.store.get(KEY)).toBeUndefined();
    p.state.lease = p.store.lease();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(p.store.get(KEY)?.lease).toBe(p.state.lease);
    await p.end();
  });

  it('says once that etcd refuses it, and asks again seldom', async () => {
    const store = new FakeRegistry(Date.now());
    const put = vi.spyOn(store, 'put').mockRejectedValue(new EtcdError('DENIED', 'no'));
    const p = publishing(store);
    await vi.advanceTimersByTimeAsync(130_000);
    expect(p.log.events('status-refused')).toHaveLength(1);
    expect(put.mock.calls.length).toBeLessThanOrEqual(4);
    await p.end();
  });
});
