import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EtcdError } from '../../../../src/core/errors.js';
import { LeaseSession } from '../../../../src/daemon/lease/session.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

const TTL = 15_000;
const NEVER = new AbortController().signal;

let registry: FakeRegistry;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  registry = new FakeRegistry(0);
});
afterEach(() => vi.useRealTimers());

/** Lets time pass, for the keeper's timers and for the leases. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    registry.advance(Math.min(50, left));
    await vi.advanceTimersByTimeAsync(Math.min(50, left));
  }
}

function start(random = 0) {
  const stop = new AbortController();
  const log = recordingLog();
  const keeper = new LeaseSession({
    store: registry,
    leaseTtl: TTL,
    log,
    meter: recordingMeter(),
    clock: () => performance.now(),
    random: () => random,
  });
  const done = keeper.run(stop.signal);
  return { keeper, log, done, stop };
}

describe('a lease session', () => {
  it('writes what is wanted under one lease', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');
    keeper.set('/b', '2');

    expect(await keeper.settled(NEVER)).toBe(true);

    expect(registry.get('/a')).toMatchObject({ value: '1', lease: keeper.lease });
    expect(registry.get('/b')).toMatchObject({ value: '2', lease: keeper.lease });
    expect(keeper.revision('/a')).toBe(registry.get('/a')?.revision);
    expect(registry.leases()).toHaveLength(1);
  });

  it('keeps the lease alive for as long as it runs', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');

    await pass(10 * TTL);

    expect(registry.keys()).toEqual(['/a']);
    expect(registry.calls.filter((call) => call === 'grant')).toHaveLength(1);
    expect(keeper.lease).toBeDefined();
  });

  it('does not write unchanged keys again', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    keeper.set('/a', '1');

    await pass(2 * TTL);

    expect(registry.calls.filter((call) => call === 'put /a')).toHaveLength(1);
  });

  it('writes a changed value at once, and deletes what is no longer wanted', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');
    keeper.set('/b', '1');
    await keeper.settled(NEVER);

    keeper.set('/a', '2');
    keeper.unset('/b');
    await keeper.settled(NEVER);

    expect(registry.get('/a')?.value).toBe('2');
    expect(registry.keys()).toEqual(['/a']);
    expect(keeper.status('/b')).toBeUndefined();
  });

  it('writes everything again under a new lease when the old one is revoked', async () => {
    const { keeper, log } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    registry.expire(keeper.lease ?? '');
    expect(registry.keys()).toEqual([]);

    await pass(TTL / 3 + 100);

    expect(registry.get('/a')).toMatchObject({ value: '1', lease: keeper.lease });
    expect(log.events('lease-lost')).toHaveLength(1);
  });

  it('detects a revoked lease at once when there is something to write', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    registry.expire(keeper.lease ?? '');

    keeper.set('/a', '2');
    await pass(200);

    expect(registry.get('/a')?.value).toBe('2');
  });

  it('waits a random time before it asks for a new lease', async () => {
    const { keeper } = start(1);
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    registry.expire(keeper.lease ?? '');

    await pass(TTL / 3 + 900);
    expect(registry.keys()).toEqual([]);
    await pass(200);
    expect(registry.keys()).toEqual(['/a']);
  });

  it.each(['down', 'frozen'] as const)(
    'survives an etcd that is %s for three times its TTL',
    async (fault) => {
      const { keeper, log } = start();
      keeper.set('/a', '1');
      await keeper.settled(NEVER);
      registry.fault(fault);
      await pass(3 * TTL);
      expect(keeper.lease).toBeUndefined();
      expect(registry.keys()).toEqual([]);

      registry.fault('none');
      await pass(TTL);

      expect(registry.keys()).toEqual(['/a']);
      expect(keeper.lease).toBeDefined();
      expect(log.events('lease-renewal-failed')).toHaveLength(1);
      expect(log.events('lease-renewed')).toHaveLength(1);
    },
  );

  it('does not flood an etcd that is down', async () => {
    const grant = vi.spyOn(registry, 'grant');
    registry.fault('down');
    start();

    await pass(60_000);

    expect(grant.mock.calls.length).toBeGreaterThan(20);
    expect(grant.mock.calls.length).toBeLessThan(60);
  });

  it('keeps a lease that survived an outage', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    const { lease } = keeper;
    registry.fault('down');
    await pass(TTL / 2);
    registry.fault('none');
    await pass(TTL);

    expect(keeper.lease).toBe(lease);
  });

  it('writes a key again that somebody deleted', async () => {
    const { keeper, log } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    registry.delete('/a');

    await pass(TTL / 3 + 50);

    expect(registry.get('/a')).toMatchObject({ value: '1', lease: keeper.lease });
    expect(log.events('key-repaired')).toHaveLength(1);
  });

  it('writes a key again that somebody changed or detached from the lease', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');
    keeper.set('/b', '1');
    await keeper.settled(NEVER);
    registry.write('/a', 'changed', keeper.lease);
    registry.write('/b', '1');

    await pass(TTL / 3 + 50);

    expect(registry.get('/a')).toMatchObject({ value: '1', lease: keeper.lease });
    expect(registry.get('/b')).toMatchObject({ value: '1', lease: keeper.lease });
  });

  it('repairs the keys of an etcd that was restored from before they were written, with its lease', async () => {
    const { keeper } = start();
    await pass(100);
    const restore = registry.snapshot();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    restore();
    expect(registry.keys()).toEqual([]);

    await pass(TTL / 3 + 50);

    expect(registry.get('/a')).toMatchObject({ value: '1', lease: keeper.lease });
  });

  it('repairs the keys of an etcd that was restored without its lease', async () => {
    const { keeper } = start();
    keeper.set('/a', 'old');
    await keeper.settled(NEVER);
    const restore = registry.snapshot();
    registry.expire(keeper.lease ?? '');
    keeper.set('/a', 'new');
    await pass(TTL / 3 + 100);
    restore();

    await pass(TTL / 3 + 200);

    expect(registry.get('/a')).toMatchObject({ value: 'new', lease: keeper.lease });
  });

  // Regression: kept alive with the lease, it would have stayed for as long as the process.
  it('deletes a key that is no longer wanted and that a restored etcd brings back', async () => {
    const { keeper } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    const restore = registry.snapshot();
    keeper.unset('/a');
    await keeper.settled(NEVER);
    restore();
    expect(registry.keys()).toEqual(['/a']);

    await pass(TTL / 3 + 50);

    expect(registry.keys()).toEqual([]);
  });

  describe('beside another process with the same key', () => {
    it('takes the key over as the newer one', async () => {
      const theirs = registry.lease();
      registry.write('/a', 'older', theirs);
      const { keeper } = start();

      keeper.set('/a', 'newer');
      await keeper.settled(NEVER);

      expect(registry.get('/a')).toMatchObject({ value: 'newer', lease: keeper.lease });
    });

    it('leaves the key as the older one, reports that once, and takes it back when it is free', async () => {
      const { keeper, log } = start();
      keeper.set('/a', 'older');
      await keeper.settled(NEVER);
      const theirs = registry.lease(10 * TTL);
      registry.write('/a', 'newer', theirs);
      await pass(3 * TTL);

      expect(registry.get('/a')).toMatchObject({ value: 'newer', lease: theirs });
      expect(keeper.status('/a')).toBe('superseded');
      expect(await keeper.settled(NEVER)).toBe(false);
      expect(log.events('key-superseded')).toHaveLength(1);

      registry.expire(theirs);
      await pass(TTL / 3 + 50);
      expect(registry.get('/a')).toMatchObject({ value: 'older', lease: keeper.lease });
    });

    it('leaves the key also when it wants it again', async () => {
      const { keeper } = start();
      keeper.set('/a', 'older');
      await keeper.settled(NEVER);
      keeper.unset('/a');
      await keeper.settled(NEVER);
      const theirs = registry.lease(10 * TTL);
      registry.write('/a', 'newer', theirs);

      keeper.set('/a', 'older');
      await keeper.settled(NEVER);

      expect(registry.get('/a')?.value).toBe('newer');
      expect(keeper.status('/a')).toBe('superseded');
    });

    it('never deletes the key of the newer one, neither when it no longer wants it nor when it ends', async () => {
      const { keeper, stop, done } = start();
      keeper.set('/a', 'older');
      keeper.set('/b', 'older');
      await keeper.settled(NEVER);
      const theirs = registry.lease(10 * TTL);
      registry.write('/a', 'newer', theirs);
      registry.write('/b', 'newer', theirs);

      keeper.unset('/a');
      await keeper.settled(NEVER);
      stop.abort();
      await done;

      expect(registry.keys()).toEqual(['/a', '/b']);
    });

    it('settles two that started at once: one holds the key, the other leaves it', async () => {
      const first = start();
      const second = start();
      first.keeper.set('/a', 'first');
      second.keeper.set('/a', 'second');
      await pass(TTL);
      const puts = registry.calls.filter((call) => call === 'put /a').length;

      await pass(3 * TTL);

      expect(registry.calls.filter((call) => call === 'put /a')).toHaveLength(puts);
      expect(new Set([first.keeper.status('/a'), second.keeper.status('/a')])).toEqual(
        new Set(['held', 'superseded']),
      );
    });
  });

  it('continues with the other keys when etcd refuses one, and retries that one', async () => {
    const put = registry.put.bind(registry);
    let refusing = true;
    vi.spyOn(registry, 'put').mockImplementation((key, ...rest) =>
      key === '/theirs' && refusing
        ? Promise.reject(new EtcdError('DENIED', 'permission denied'))
        : put(key, ...rest),
    );
    const { keeper, log } = start();
    keeper.set('/theirs', '1');
    keeper.set('/ours', '1');

    expect(await keeper.settled(NEVER)).toBe(false);
    expect(keeper.status('/theirs')).toBe('refused');
    expect(keeper.status('/ours')).toBe('held');
    expect(log.events('key-refused')).toHaveLength(1);

    refusing = false;
    await pass(TTL / 3 + 50);
    expect(keeper.status('/theirs')).toBe('held');
  });

  // Regression: one transaction reads many keys, and etcd refuses it whole when one of them may not be read.
  it('continues with the other keys when etcd refuses to let it read one', async () => {
    const read = registry.read.bind(registry);
    vi.spyOn(registry, 'read').mockImplementation((keys, signal) =>
      keys.includes('/theirs') ? Promise.reject(new EtcdError('DENIED', 'no')) : read(keys, signal),
    );
    const { keeper } = start();
    keeper.set('/theirs', '1');
    keeper.set('/ours', '1');

    expect(await keeper.settled(NEVER)).toBe(false);
    expect(keeper.status('/theirs')).toBe('refused');
    expect(keeper.status('/ours')).toBe('held');

    keeper.unset('/theirs');
    expect(await keeper.settled(NEVER)).toBe(true);
  });

  it('revokes the lease at the end, and so removes every key', async () => {
    const { keeper, stop, done } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);

    stop.abort();
    await done;

    expect(registry.keys()).toEqual([]);
    expect(registry.leases()).toEqual([]);
  });

  it('ends in bounded time when etcd does not answer', async () => {
    const { keeper, stop, done, log } = start();
    keeper.set('/a', '1');
    await keeper.settled(NEVER);
    registry.fault('frozen');
    let ended = false;
    void done.then(() => {
      ended = true;
    });

    stop.abort();
    await pass(1900);
    expect(ended).toBe(false);
    await pass(200);

    expect(ended).toBe(true);
    expect(log.events('lease-abandoned')).toHaveLength(1);
  });

  it('stops waiting for unsettled keys when it is told to', async () => {
    registry.fault('down');
    const { keeper } = start();
    keeper.set('/a', '1');
    const reason = new Error('enough');
    const waiting = new AbortController();
    const settled = keeper.settled(waiting.signal);

    waiting.abort(reason);

    await expect(settled).rejects.toBe(reason);
  });

  it('writes 500 keys under one lease', async () => {
    const { keeper } = start();
    for (let index = 0; index < 500; index++) keeper.set(`/${index}`, 'x');

    expect(await keeper.settled(NEVER)).toBe(true);

    expect(registry.keys()).toHaveLength(500);
    expect(registry.leases()).toHaveLength(1);
  });
});
