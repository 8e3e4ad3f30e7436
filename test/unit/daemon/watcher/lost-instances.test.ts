/** What a watcher remembers of instances that died. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeWatcher } from '../../../../src/core/published-status.js';
import { host, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const HOUR = 3_600_000;
const LABELS = { service: 'firmware', address: host(2) };
const MAINTENANCE = `/sidekick/maintenance/firmware/${host(2)}`;

/** Two instances, of which the second lives under a lease that can be expired. */
async function two(): Promise<{ w: Watching; lease: string }> {
  const w = new Watching({ version: '1.2.3' });
  w.register('firmware', host(1));
  const lease = register(w);
  await w.pass(1_000);
  return { w, lease };
}

function register(w: Watching, value = '{}'): string {
  const lease = w.registry.lease();
  w.registry.write(`/services/firmware/${host(2)}`, value, lease);
  return lease;
}

const published = (w: Watching) =>
  decodeWatcher(w.registry.get('/sidekick/status/watchers/lb1')?.value ?? '')?.lost;
const metric = (w: Watching) => w.meter.value('sidekick_instance_lost_timestamp_seconds', LABELS);
const told = (w: Watching) => w.log.events('instance-lost').map(({ fields }) => fields);

describe('an instance whose lease ended', () => {
  it('is told, counted and published, with the time', async () => {
    const { w, lease } = await two();
    await using _ = w;
    const before = Date.now();
    w.registry.expire(lease);
    await w.pass(5_000);
    expect(told(w)).toMatchObject([
      { ...LABELS, cause: 'lease-ended', because: 'its lease expired or was revoked' },
    ]);
    const [loss] = published(w) ?? [];
    expect(loss).toMatchObject(LABELS);
    expect(loss?.at).toBeGreaterThanOrEqual(before);
    expect(metric(w)).toBe((loss?.at ?? 0) / 1000);
  });

  it('is lost no longer once it registers again', async () => {
    const { w, lease } = await two();
    await using _ = w;
    w.registry.expire(lease);
    await w.pass(1_000);
    register(w);
    await w.pass(5_000);
    expect(published(w)).toEqual([]);
    expect(metric(w)).toBeUndefined();
  });

  it('is forgotten after an hour', async () => {
    const { w, lease } = await two();
    await using _ = w;
    w.registry.expire(lease);
    await w.pass(1_000);
    expect(metric(w)).toBeDefined();
    vi.setSystemTime(Date.now() + HOUR);
    await w.pass(10_000);
    expect(metric(w)).toBeUndefined();
    expect(published(w)).toEqual([]);
  });

  it('is the newest where it is lost again', async () => {
    const { w, lease } = await two();
    await using _ = w;
    w.registry.expire(lease);
    await w.pass(1_000);
    w.registry.expire(register(w));
    await w.pass(5_000);
    expect(told(w)).toHaveLength(2);
    expect(published(w)).toHaveLength(1);
  });
});

describe('an instance that went otherwise is not lost:', () => {
  it.each([
    ['its key was deleted', (w: Watching) => w.vanish('firmware', host(2))],
    [
      'it asked to drain',
      async (w: Watching, lease: string) => {
        w.registry.write(`/services/firmware/${host(2)}`, '{"drain":true}', lease);
        await w.pass(1_000);
        w.registry.expire(lease);
      },
    ],
    [
      'an operator had drained it',
      async (w: Watching, lease: string) => {
        w.registry.write(MAINTENANCE, '{"by":"root@lb1"}');
        await w.pass(1_000);
        w.registry.expire(lease);
      },
    ],
  ])('%s', async (_, vanish) => {
    const { w, lease } = await two();
    await using _w = w;
    await vanish(w, lease);
    await w.pass(5_000);
    expect(told(w)).toEqual([]);
    expect(published(w)).toEqual([]);
    expect(metric(w)).toBeUndefined();
  });
});

it('remembers the newest thousand of too many', async () => {
  await using w = new Watching({ version: '1.2.3' });
  const lease = w.registry.lease();
  const address = (n: number) => `10.1.${n >> 8}.${n & 255}:80`;
  for (let n = 0; n < 1_000; n++) w.registry.write(`/services/firmware/${address(n)}`, '{}', lease);
  w.registry.write(`/services/other/${address(0)}`, '{}', lease);
  await w.pass(1_000);
  w.registry.expire(lease);
  await w.pass(5_000);
  const lost = (service: string, n: number) =>
    w.meter.value('sidekick_instance_lost_timestamp_seconds', { service, address: address(n) });
  expect(lost('firmware', 0)).toBeUndefined();
  expect(lost('firmware', 1)).toBeDefined();
  expect(lost('other', 0)).toBeDefined();
  expect(published(w)).toHaveLength(20);
  expect(published(w)?.[0]).toMatchObject({ service: 'other' });
});
