import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NginxError } from '../../../../src/core/errors.js';
import type { NginxApi } from '../../../../src/core/ports.js';
import { meteredNginx } from '../../../../src/daemon/watcher/metered-nginx.js';
import { recordingMeter } from '../../../support/silent.js';
import { HTTP, host, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const LABELS = { nginx: 'lb', kind: 'http', upstream: 'firmware' };

describe('the metrics of a watcher', () => {
  it('measures the time from a change in etcd to the answer of NGINX, once for each change', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    const before = w.meter.observed.length;
    w.register('firmware', host(2));
    w.register('firmware', host(1), '{"weight":5}');
    await w.pass(1_000);
    const seen = w.meter.observed.slice(before);
    expect(seen).toMatchObject([
      { name: 'sidekick_propagation_seconds', labels: { nginx: w.lb.name } },
      { name: 'sidekick_propagation_seconds', labels: { nginx: w.lb.name } },
    ]);
    for (const { value } of seen) expect(value).toBeLessThan(1);
    // Passes that find nothing to do measure nothing.
    await w.pass(60_000);
    expect(w.meter.observed).toHaveLength(before + 2);
  });

  it('tells when etcd was last read and when the last pass ended', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    const labels = { ...LABELS, nginx: w.lb.name };
    const at = () => w.meter.value('sidekick_upstream_last_pass_timestamp_seconds', labels) ?? 0;
    const first = at();
    expect(first).toBeGreaterThan(0);
    await w.pass(60_000);
    expect(at()).toBeGreaterThan(first + 20);
  });

  it('counts servers that are out of sync, and none while NGINX does not answer', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    const labels = { ...LABELS, nginx: w.lb.name };
    const count = () => w.meter.value('sidekick_upstream_out_of_sync_servers', labels);
    expect(count()).toBe(0);
    w.lb.setCapacity(HTTP, 1);
    w.register('firmware', host(2));
    await w.pass(35_000);
    expect(count()).toBe(1);
    w.lb.stop();
    await w.pass(35_000);
    expect(count()).toBeUndefined();
  });

  it('tells since when the oldest drain lasts, and nothing when none does', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(1_000);
    const labels = { ...LABELS, nginx: w.lb.name };
    const since = () => w.meter.value('sidekick_upstream_oldest_drain_timestamp_seconds', labels);
    expect(since()).toBeUndefined();
    w.lb.set(HTTP, host(2), { active: 1 });
    w.register('firmware', host(2), '{"drain":true}');
    await w.pass(5_000);
    const began = since();
    expect(began).toBeDefined();
    await w.pass(5_000);
    expect(since()).toBe(began);
    w.lb.set(HTTP, host(2), { active: 0 });
    await w.pass(10_000);
    expect(since()).toBeUndefined();
  });
});

describe('the count of calls to NGINX', () => {
  const { signal } = new AbortController();

  async function resultOf(error: Error | undefined): Promise<string[]> {
    const meter = recordingMeter();
    const identity = () => (error ? Promise.reject(error) : Promise.resolve({}));
    await meteredNginx({ name: 'lb', identity } as unknown as NginxApi, meter)
      .identity(signal)
      .catch(() => {});
    return [...meter.series];
  }

  it.each([
    [undefined, 'ok'],
    [new NginxError('UpstreamNotFound', '', { status: 404 }), '404'],
    [new NginxError('TIMEOUT', ''), 'timeout'],
    [new NginxError('UNREACHABLE', ''), 'unreachable'],
    [new NginxError('BAD_ANSWER', '', { status: 200 }), 'error'],
    [new NginxError('Whatever' as never, '', { status: 99_999 }), 'error'],
    [new TypeError('defect'), 'error'],
  ])('has one of a few results, whatever NGINX answers: %s', async (error, result) => {
    expect(await resultOf(error)).toEqual([
      `sidekick_nginx_calls_total ${JSON.stringify({ nginx: 'lb', call: 'identity', result })}`,
    ]);
  });
});
