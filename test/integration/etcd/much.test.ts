import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/containers/index.js';
import { ProxiedEtcd } from '../../support/proxied-etcd.js';
import { NEVER } from '../../support/registrar/harness.js';

const MBIT = 1_000_000 / 8;
/** What etcd takes in one value, with a little room for the rest of the request. */
const MEGABYTE = 'x'.repeat(1_000_000);

/** How much there is must not decide whether etcd can be read. */
describe('following an etcd that holds much', () => {
  let etcd: ProxiedEtcd;

  beforeAll(async () => {
    etcd = await ProxiedEtcd.start({ requestTimeout: 20_000 });
  });
  afterAll(() => etcd?.[Symbol.asyncDispose]());
  afterEach(() => etcd.proxy.heal());

  /** Puts so many keys, some at a time. */
  async function fill(prefix: string, count: number, value: string, lanes = 32): Promise<void> {
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        for (let index = lane; index < count; index += lanes) {
          await etcd.direct.store.put(`${prefix}${String(index).padStart(5, '0')}`, value, {}, NEVER);
        }
      }),
    );
  }

  it('reads 10,000 keys over a line of 10 Mbit/s, and never reports etcd as unavailable', async () => {
    await fill('/ten-thousand/', 10_000, 'x'.repeat(500));
    etcd.proxy.throttle(10 * MBIT);

    await using seen = etcd.watch(['/ten-thousand/']);

    await until('all of it is seen', () => seen.views.length > 0, { timeoutMs: 90_000 });
    expect(seen.last?.entries.size).toBe(10_000);
    expect(seen.outages).toEqual([]);
  });

  it('reads a value that takes longer than a call may, and never reports etcd as unavailable', async () => {
    await fill('/slow/', 3, MEGABYTE);
    await etcd.direct.store.put('/slow/other', 'small', {}, NEVER);
    etcd.proxy.throttle(2 * MBIT);

    await using seen = etcd.watch(['/slow/']);

    await until('all of it is seen', () => seen.views.length > 0, { timeoutMs: 90_000 });
    expect(
      [...(seen.last?.entries.values() ?? [])].map(({ value, oversized }) => [value, oversized]),
    ).toEqual([...Array.from({ length: 3 }, () => ['', MEGABYTE.length]), ['small', undefined]]);
    expect(seen.outages).toEqual([]);
  });

  it('keeps no value that is too long, and shows another service while it reads all of them again', async () => {
    await fill('/much/noise/', 60, MEGABYTE, 4);
    const before = process.memoryUsage.rss();
    await using seen = etcd.watch(['/much/'], { resync: 100 });
    await until('all of it is seen', () => seen.views.length > 0, { timeoutMs: 60_000 });
    expect(seen.last?.entries.size).toBe(60);
    expect(process.memoryUsage.rss() - before).toBeLessThan(250_000_000);

    // Now it reads again, over a line on which that takes longer than the test waits.
    etcd.proxy.throttle(8 * MBIT);
    await until('it is in the middle of a reading', () => etcd.proxy.bytes.down > 70_000_000);
    await etcd.direct.store.put('/much/other', 'small', {}, NEVER);

    await until('it is seen', () => seen.last?.entries.get('/much/other')?.value === 'small', {
      timeoutMs: 30_000,
    });
    expect(seen.last?.entries.size).toBe(61);
    expect(seen.outages).toEqual([]);
  });

  it('reads long values that were written during an outage', async () => {
    await using seen = etcd.watch(['/late/']);
    await seen.has({});
    etcd.proxy.freeze('down');
    await fill('/late/', 40, MEGABYTE, 4);
    await etcd.direct.store.put('/late/zz', 'last', {}, NEVER);
    etcd.proxy.heal();

    await until('all of it is seen', () => seen.last?.entries.size === 41, { timeoutMs: 60_000 });
    expect(seen.last?.entries.get('/late/zz')?.value).toBe('last');
  });

  it('starts again when the revision of a reading is compacted in the middle of it', async () => {
    await fill('/compacted/', 20, MEGABYTE, 4);
    etcd.proxy.throttle(20 * MBIT);
    const { down } = etcd.proxy.bytes;
    await using seen = etcd.watch(['/compacted/']);
    await until('it is in the middle of the reading', () => etcd.proxy.bytes.down > down + 3_000_000);
    const revision = await etcd.direct.store.put('/compacted/new', 'small', {}, NEVER);
    await etcd.server.ctl('compact', String(revision));
    etcd.proxy.heal();

    await until('all of it is seen', () => seen.last?.entries.size === 21, { timeoutMs: 60_000 });
    expect(seen.views[0]?.entries.get('/compacted/new')?.value).toBe('small');
    expect(seen.outages).toEqual([]);
  });
});
