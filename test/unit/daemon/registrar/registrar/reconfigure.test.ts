import { describe, expect, it, vi } from 'vitest';
import type { ServiceSpec } from '../../../../../src/daemon/registrar/options.js';
import {
  answer,
  beginEachAnew,
  KEY,
  pass,
  registry,
  spec,
  start,
  value,
  watcher,
} from '../support/registrar.js';

beginEachAnew();

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
