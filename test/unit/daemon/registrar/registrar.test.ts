import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { EtcdError } from '../../../../src/core/errors.js';
import { DEFAULT_HEALTH_POLICY } from '../../../../src/core/health.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { DEFAULT_PARAMETERS } from '../../../../src/core/server-parameters.js';
import type { ServiceSpec } from '../../../../src/daemon/registrar/options.js';
import { Registrar } from '../../../../src/daemon/registrar/registrar.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

const TTL = 15_000;
const KEY = '/services/mqtt/10.0.0.1:1883';

let registry: FakeRegistry;
/** What each address's probe says. */
let failing: Map<string, string>;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  registry = new FakeRegistry(0);
  failing = new Map();
});
afterEach(() => vi.useRealTimers());

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    registry.advance(Math.min(50, left));
    await vi.advanceTimersByTimeAsync(Math.min(50, left));
  }
}

function spec(
  host: number,
  fields: Partial<ServiceSpec> & { weight?: number; service?: string } = {},
): ServiceSpec {
  const address = `10.0.0.${host}:1883` as Address;
  const { weight = 1, service = 'mqtt', ...rest } = fields;
  return {
    registration: {
      service,
      address,
      parameters: { ...DEFAULT_PARAMETERS, weight },
      drain: false,
      meta: {},
    },
    probe: async () => {
      const reason = failing.get(address);
      if (reason !== undefined) throw new Error(reason);
    },
    probeId: 'tcp',
    health: DEFAULT_HEALTH_POLICY,
    ...rest,
  };
}

function start(services: ServiceSpec[], drainTimeout = 30_000) {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const log = recordingLog();
  const registrar = new Registrar(
    { prefixes: DEFAULT_KEY_PREFIXES, leaseTtl: TTL, services, drainTimeout },
    {
      store: registry,
      reader: registry,
      log,
      meter: recordingMeter(),
      clock: () => performance.now(),
    },
  );
  let ended = false;
  const done = registrar.run(stop.signal, kill.signal).then(() => {
    ended = true;
  });
  return { registrar, log, stop, kill, done, isOver: () => ended };
}

/** A watcher in etcd that drives these services. */
function watcher(id: string, ...services: string[]): string {
  const lease = registry.lease(1e9);
  registry.write(
    `/sidekick/watchers/${id}`,
    JSON.stringify({ nginx: ['a'], upstreams: [], services }),
    lease,
  );
  return lease;
}

function answer(id: string, key = KEY): void {
  const revision = registry.get(key)?.revision;
  registry.write(`/sidekick/drained/${key.slice('/services/'.length)}/${id}`, String(revision));
}

function value(key = KEY): unknown {
  const entry = registry.get(key);
  return entry && JSON.parse(entry.value);
}

describe('the registrar', () => {
  it('registers a service once its first probe has succeeded', async () => {
    const { registrar } = start([spec(1, { weight: 5 })]);
    expect(registrar.status().ready).toBe(false);
    await pass(100);

    expect(value()).toEqual({ weight: 5 });
    expect(registrar.status()).toMatchObject({
      phase: 'running',
      ready: true,
      services: [{ service: 'mqtt', health: 'healthy', key: 'registered' }],
    });
  });

  it('does not register a failing service, and says why', async () => {
    failing.set('10.0.0.1:1883', 'refused');
    const { registrar } = start([spec(1)]);
    await pass(60_000);

    expect(registry.keys()).toEqual([]);
    expect(registrar.status().services[0]).toMatchObject({
      health: 'unhealthy',
      reason: 'refused',
      key: 'absent',
    });
  });

  it('removes a service after `fall` failures and registers it again after `rise` successes', async () => {
    start([spec(1)]);
    await pass(100);
    failing.set('10.0.0.1:1883', 'refused');
    await pass(8000);
    expect(registry.keys()).toEqual([KEY]);
    await pass(10_000);
    expect(registry.keys()).toEqual([]);

    failing.clear();
    await pass(4000);
    expect(registry.keys()).toEqual([]);
    await pass(8000);
    expect(registry.keys()).toEqual([KEY]);
  });

  it('counts a probe that never ends as failed', async () => {
    const { registrar } = start([spec(1, { probe: () => new Promise(() => undefined) })]);
    await pass(2100);

    expect(registrar.status().services[0]).toMatchObject({
      health: 'unhealthy',
      reason: expect.stringContaining('not done within 2000 ms') as string,
    });
  });

  it('keeps several services apart, under one lease', async () => {
    failing.set('10.0.0.2:1883', 'refused');
    start([spec(1), spec(2), spec(3, { service: 'lab' })]);
    await pass(60_000);

    expect(registry.keys()).toEqual(['/services/lab/10.0.0.3:1883', KEY]);
    expect(registry.leases()).toHaveLength(1);
  });
});

describe('a new configuration', () => {
  const config = (...services: ServiceSpec[]) => ({ services, drainTimeout: 30_000 });

  it('changes only what differs', async () => {
    const { registrar } = start([spec(1), spec(2)]);
    await pass(100);
    const before = registry.get(KEY);

    registrar.reconfigure(config(spec(1), spec(2, { weight: 9 }), spec(3)));
    await pass(100);

    expect(registry.get(KEY)).toBe(before);
    expect(value('/services/mqtt/10.0.0.2:1883')).toEqual({ weight: 9 });
    expect(registry.keys()).toHaveLength(3);
  });

  it('keeps a service registered when its probe changes, until the new probe has failed `fall` times', async () => {
    const { registrar } = start([spec(1)]);
    await pass(100);
    const probe = () => Promise.reject(new Error('the new one fails'));

    registrar.reconfigure(config(spec(1, { probe, probeId: 'http' })));
    await pass(5000);
    expect(registry.keys()).toEqual([KEY]);
    await pass(10_000);
    expect(registry.keys()).toEqual([]);
  });

  it('continues with the old probe when the probe stays the same', async () => {
    const { registrar } = start([spec(1)]);
    await pass(100);
    const other = vi.fn(async () => undefined);

    registrar.reconfigure(config(spec(1, { probe: other })));
    await pass(20_000);

    expect(other).not.toHaveBeenCalled();
    expect(registry.keys()).toEqual([KEY]);
  });

  it('drains a service that it no longer contains', async () => {
    watcher('lb', 'mqtt');
    const { registrar } = start([spec(1), spec(2)]);
    await pass(100);

    registrar.reconfigure(config(spec(2)));
    await pass(1000);
    expect(value()).toEqual({ drain: true });

    answer('lb');
    await pass(200);
    expect(registry.keys().filter((key) => key.startsWith('/services/'))).toEqual([
      '/services/mqtt/10.0.0.2:1883',
    ]);
    expect(registrar.status().phase).toBe('running');
  });

  it('keeps a service that returns while it drains', async () => {
    watcher('lb', 'mqtt');
    const { registrar } = start([spec(1), spec(2)]);
    await pass(100);
    registrar.reconfigure(config(spec(2)));
    await pass(1000);

    registrar.reconfigure(config(spec(1), spec(2)));
    await pass(60_000);

    expect(value()).toEqual({});
    expect(registrar.status().services).toHaveLength(2);
  });
});

describe('a registrar that stops', () => {
  it('ends at once if no watcher runs', async () => {
    const { stop, isOver } = start([spec(1)]);
    await pass(100);

    stop.abort();
    await pass(50);

    expect(isOver()).toBe(true);
    expect(registry.keys()).toEqual([]);
    expect(registry.leases()).toEqual([]);
  });

  it('writes nothing if nobody reads it', async () => {
    const { stop, done } = start([spec(1)]);
    await pass(100);
    stop.abort();
    await done;

    expect(registry.calls.filter((call) => call === `put ${KEY}`)).toHaveLength(1);
  });

  it('ends at once if no watcher drives the service', async () => {
    watcher('other', 'firmware');
    const { stop, isOver } = start([spec(1)]);
    await pass(100);

    stop.abort();
    await pass(50);

    expect(isOver()).toBe(true);
  });

  it('requests a drain, and stays until every watcher has acknowledged it', async () => {
    watcher('one', 'mqtt', 'firmware');
    watcher('two', 'mqtt');
    const { registrar, stop, isOver } = start([spec(1, { weight: 3 })]);
    await pass(100);
    stop.abort();
    await pass(5000);
    expect(value()).toEqual({ weight: 3, drain: true });
    expect(registrar.status()).toMatchObject({ phase: 'draining', ready: false, waitingFor: ['one', 'two'] });

    answer('one');
    await pass(5000);
    expect(isOver()).toBe(false);
    expect(registrar.status().waitingFor).toEqual(['two']);

    answer('two');
    await pass(50);
    expect(isOver()).toBe(true);
    expect(registry.keys()).not.toContain(KEY);
  });

  it('ignores an acknowledgement of an earlier request', async () => {
    watcher('lb', 'mqtt');
    registry.write('/sidekick/drained/mqtt/10.0.0.1:1883/lb', '1');
    const { stop, isOver } = start([spec(1)]);
    await pass(100);
    stop.abort();
    await pass(5000);

    expect(isOver()).toBe(false);
  });

  it('no longer waits for a watcher that stops, nor for one that starts', async () => {
    const first = watcher('first', 'mqtt');
    const { stop, isOver } = start([spec(1)]);
    await pass(100);
    stop.abort();
    await pass(1000);
    watcher('second', 'mqtt');
    registry.expire(first);
    await pass(1000);
    expect(isOver()).toBe(false);

    answer('second');
    await pass(50);
    expect(isOver()).toBe(true);
  });

  it('does not wait if etcd refuses the request: it removes the key at once, and logs that', async () => {
    watcher('lb', 'mqtt');
    const { stop, isOver, log } = start([spec(1), spec(2)], 60_000);
    await pass(100);
    registry.fault('full');
    stop.abort();
    await pass(1000);

    expect(isOver()).toBe(true);
    expect(registry.keys()).not.toContain(KEY);
    expect(log.events('drain-refused')).toHaveLength(2);
    expect(log.events('drain-finished')).toMatchObject([{ fields: { outcome: 'refused' } }]);
  });

  it('does not wait if etcd refuses this user everything', async () => {
    watcher('lb', 'mqtt');
    const { stop, isOver, log } = start([spec(1)], 60_000);
    await pass(100);
    registry.fault('locked-out');
    stop.abort();
    await pass(3000);

    expect(isOver()).toBe(true);
    expect(log.events('drain-refused')).toHaveLength(1);
  });

  it('logs that there is nobody to ask if no watcher drives the service', async () => {
    watcher('lb', 'other');
    const { stop, isOver, log } = start([spec(1)]);
    await pass(100);
    stop.abort();
    await pass(100);

    expect(isOver()).toBe(true);
    expect(log.events('drain-finished')).toMatchObject([{ fields: { outcome: 'no-watchers' } }]);
  });

  it('distinguishes an etcd that refuses from one that does not answer, and logs why', async () => {
    const { registrar, log } = start([spec(1)]);
    await pass(100);
    registry.fault('denied');
    await pass(TTL);
    expect(registrar.status().etcd).toMatchObject({
      state: 'refused',
      error: expect.stringMatching(/permission denied.*role/) as string,
    });
    expect(log.events('lease-refused')).toHaveLength(1);

    registry.fault('down');
    await pass(TTL);
    expect(registrar.status().etcd.state).toBe('unavailable');
    expect(log.events('lease-renewal-failed')).toHaveLength(1);

    registry.fault('none');
    await pass(TTL);
    expect(registrar.status()).toMatchObject({ ready: true, etcd: { state: 'connected' } });
    expect(log.events('lease-renewed')).toHaveLength(1);
  });

  it('shows that etcd is full, keeps what is registered, and continues when there is room again', async () => {
    const { registrar } = start([spec(1)]);
    await pass(100);
    registry.fault('full');
    registrar.reconfigure({ services: [spec(1), spec(2)], drainTimeout: 1000 });
    await pass(2 * TTL);
    expect(registrar.status()).toMatchObject({
      ready: false,
      etcd: { state: 'refused', error: expect.stringMatching(/space exceeded.*alarm disarm/) as string },
      services: [
        { key: 'registered' },
        { key: 'refused', reason: expect.stringMatching(/space exceeded/) as string },
      ],
    });

    registry.fault('none');
    await pass(TTL);
    expect(registrar.status()).toMatchObject({ ready: true, etcd: { state: 'connected' } });
  });

  it('is not ready while a newer process owns its address, and says what to do', async () => {
    const { registrar } = start([spec(1)]);
    await pass(100);
    const theirs = registry.lease(1e9);
    registry.write(KEY, '{"weight":2}', theirs);
    await pass(TTL);
    expect(registrar.status()).toMatchObject({
      ready: false,
      services: [{ key: 'superseded', reason: expect.stringMatching(/stop one of the two/) as string }],
    });

    registry.expire(theirs);
    await pass(TTL);
    expect(registrar.status().ready).toBe(true);
  });

  it('stops waiting after the drain timeout', async () => {
    watcher('lb', 'mqtt');
    const { stop, isOver, log } = start([spec(1)], 10_000);
    await pass(100);
    stop.abort();
    await pass(9900);
    expect(isOver()).toBe(false);
    await pass(200);

    expect(isOver()).toBe(true);
    expect(log.events('drain-timed-out')).toHaveLength(1);
    expect(registry.keys()).not.toContain(KEY);
  });

  it('ends at once when it is killed, also while it waits', async () => {
    watcher('lb', 'mqtt');
    const { stop, kill, isOver } = start([spec(1)]);
    await pass(100);
    stop.abort();
    await pass(1000);

    kill.abort();
    await pass(50);

    expect(isOver()).toBe(true);
    expect(registry.keys()).not.toContain(KEY);
  });

  it('ends within its bounds when etcd is dead', async () => {
    watcher('lb', 'mqtt');
    const { stop, isOver } = start([spec(1)], 10_000);
    await pass(100);
    registry.fault('frozen');

    stop.abort();
    await pass(12_500);

    expect(isOver()).toBe(true);
  });

  it('ends without waiting if etcd has never answered: nothing is registered', async () => {
    registry.fault('frozen');
    const { stop, isOver } = start([spec(1)], 60_000);
    await pass(10_000);

    stop.abort();
    await pass(3_000);

    expect(isOver()).toBe(true);
  });

  it('requests a drain and waits for its whole time if it may not read the watchers', async () => {
    vi.spyOn(registry, 'list').mockRejectedValue(new EtcdError('DENIED', 'permission denied'));
    vi.spyOn(registry, 'watch').mockImplementation(
      (_prefixes, observer, signal) =>
        new Promise((resolve) => {
          observer.onUnavailable(new EtcdError('DENIED', 'permission denied'));
          signal.addEventListener('abort', () => resolve());
        }),
    );
    const { stop, isOver, log } = start([spec(1)], 10_000);
    await pass(100);
    stop.abort();
    await pass(9900);
    expect(value()).toEqual({ drain: true });
    expect(isOver()).toBe(false);
    expect(log.events('drain-watchers-unknown')).toHaveLength(1);

    await pass(200);
    expect(isOver()).toBe(true);
  });

  it('leaves the registration of a newer process alone', async () => {
    watcher('lb', 'mqtt');
    const { stop, isOver } = start([spec(1)]);
    await pass(100);
    registry.write(KEY, '{"weight":2}', registry.lease(1e9));
    await pass(TTL);

    stop.abort();
    await pass(50);

    expect(isOver()).toBe(true);
    expect(value()).toEqual({ weight: 2 });
  });

  it('no longer waits once a newer process owns its address', async () => {
    watcher('lb', 'mqtt');
    const { stop, isOver } = start([spec(1)]);
    await pass(100);
    stop.abort();
    await pass(1000);
    expect(isOver()).toBe(false);

    registry.write(KEY, '{"weight":2}', registry.lease(1e9));
    await pass(TTL / 3 + 1500);

    expect(isOver()).toBe(true);
    expect(value()).toEqual({ weight: 2 });
  });

  it('does not wait for a service that is not registered', async () => {
    failing.set('10.0.0.1:1883', 'refused');
    watcher('lb', 'mqtt');
    const { stop, isOver } = start([spec(1)]);
    await pass(10_000);

    stop.abort();
    await pass(50);

    expect(isOver()).toBe(true);
  });

  it('registers no service again while it stops', async () => {
    watcher('lb', 'mqtt');
    failing.set('10.0.0.2:1883', 'refused');
    const { stop } = start([spec(1), spec(2)]);
    await pass(100);
    stop.abort();
    await pass(50);
    failing.clear();
    await pass(20_000);

    expect(registry.keys().filter((key) => key.startsWith('/services/'))).toEqual([KEY]);
  });
});
