import { describe, expect, it, vi } from 'vitest';
import { EtcdError } from '../../../../../src/core/errors.js';
import {
  answer,
  beginEachAnew,
  failing,
  KEY,
  pass,
  registry,
  spec,
  start,
  TTL,
  value,
  watcher,
} from '../support/registrar.js';

beginEachAnew();

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
