import { describe, expect, it } from 'vitest';
import { beginEachAnew, failing, KEY, pass, registry, spec, start, value } from '../support/registrar.js';

beginEachAnew();

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
