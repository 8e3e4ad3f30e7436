import { describe, expect, it } from 'vitest';
import { beginEachAnew, KEY, pass, registry, spec, start, TTL } from '../support/registrar.js';

beginEachAnew();

describe('a registrar whose etcd refuses, or has the key of another process', () => {
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
});
