import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Networks } from '../../../../src/core/address.js';
import { DEFAULT_SERVICE_LIMITS } from '../../../../src/core/admission.js';
import { HTTP, host, network, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const DEEP = `${'['.repeat(8_180)}${']'.repeat(8_180)}`;

describe('a writer of the keys of one service', () => {
  it('neither ends the watcher with a value that is thousands deep, nor removes a good server', async () => {
    await using w = new Watching();
    w.register('firmware', host(1), '{"weight":3}');
    await w.pass(500);
    w.register('firmware', host(1), `{"weight":${DEEP}}`);
    w.register('firmware', host(2), `{"drain":${DEEP}}`);
    w.registry.write(`/services/firmware/${'['.repeat(100_000)}`, DEEP);
    w.registry.write('/services/firmware/10.0.0.3:80/extra', '{}');
    w.registry.write(`/sidekick/maintenance/${'x/'.repeat(10_000)}`, DEEP);
    w.registry.write(`/sidekick/unhold/${'../'.repeat(1_000)}`, DEEP);
    w.register('mqtt', host(9));
    await w.pass(500);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), parameters: { weight: 3 } }]);
    expect(w.lb.addresses(STREAM)).toEqual([host(9)]);
    expect(w.watcher.status()).toMatchObject({
      ready: true,
      services: [
        { name: 'firmware', registered: 1, rejected: 4 },
        { name: 'mqtt', registered: 1, rejected: 0 },
      ],
    });
  });

  it('leaves a drained server drained with a value that is invalid JSON', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2), '{"drain":true}');
    w.lb.place(HTTP, host(2));
    w.lb.set(HTTP, host(2), { active: 1 });
    await w.pass(1_000);
    for (const value of ['{"weight": 5,}', '\uFEFF{"weight":5}', "{'weight':5}", '[{"weight":5}']) {
      w.register('firmware', host(2), value);
      await w.pass(500);
      expect(w.lb.servers(HTTP).find(({ address }) => address === host(2))).toMatchObject({ draining: true });
      expect(w.watcher.status().rejected).toMatchObject([{ reason: expect.stringContaining('JSON') }]);
    }
    w.register('firmware', host(2), 'lazy-unicorn');
    await w.pass(500);
    expect(w.lb.servers(HTTP).find(({ address }) => address === host(2))).toMatchObject({ draining: false });
  });

  it('opens no port of the load balancer, now or when it gets another address', async () => {
    let own: Networks = [network('10.0.0.5')];
    await using w = new Watching({
      options: { nginxHosts: [network('10.0.0.6')] },
      ownAddresses: () => Promise.resolve(own),
    });
    for (const n of [1, 5, 6, 7]) w.register('firmware', host(n));
    for (const each of [
      '127.0.0.1:8080',
      '[::1]:8080',
      '[::ffff:127.0.0.1]:8080',
      '169.254.169.254:80',
      '0.0.0.0:80',
    ]) {
      w.registry.write(`/services/firmware/${each}`, '{"weight":100}');
    }
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(7)]);
    expect(w.watcher.status().services).toMatchObject([{ registered: 2, rejected: 7 }]);
    own = [network('10.0.0.7')];
    await w.pass(20_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(5)]);
  });

  it('reads no registration again when an address comes that decides nothing', async () => {
    let own: Networks = [network('10.0.0.5')];
    await using w = new Watching({ ownAddresses: () => Promise.resolve(own) });
    for (const n of [1, 5]) w.register('firmware', host(n));
    await w.pass(1_000);
    const rejected = w.log.events('registration-rejected').length;
    // Each container on this host brings such an address.
    own = [network('fe80::42:acff:fe11:2'), network('10.0.0.5')];
    await w.pass(4_000);
    own = [network('10.0.0.5'), network('10.0.0.99')];
    await w.pass(4_000);
    expect(w.log.events('host-addresses-changed')).toHaveLength(1);
    expect(w.log.events('registration-rejected')).toHaveLength(rejected);
  });

  it('registers a limited number of instances: the limit is logged once, and no newcomer replaces one', async () => {
    await using w = new Watching({ options: { limits: { ...DEFAULT_SERVICE_LIMITS, instances: 3 } } });
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(500);
    for (const n of [4, 5, 6, 7]) w.register('firmware', host(n));
    w.register('mqtt', host(1));
    await w.pass(500);
    expect(w.lb.addresses(HTTP)).toEqual([1, 2, 3].map(host));
    expect(w.lb.addresses(STREAM)).toEqual([host(1)]);
    expect(w.log.events('service-limited')).toHaveLength(1);
    expect(w.watcher.status().services[0]).toMatchObject({ registered: 3, overLimit: 4 });
    w.vanish('firmware', host(2));
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toEqual([1, 3, 4].map(host));
  });

  it('keeps no other service from its probes, however many of its instances do not answer', async () => {
    const probed: string[] = [];
    const health = { interval: 2_000, timeout: 1_000, rise: 2, fall: 2 };
    await using w = new Watching({
      options: { probeLimits: { underWay: 16, perSecond: 500 } },
      healthCheck: ({ service }) => ({
        policy: health,
        probe: () => {
          if (service === 'firmware') return new Promise(() => {});
          probed.push(service);
          return Promise.resolve();
        },
      }),
    });
    for (let n = 1; n < 250; n++)
      for (const port of [1, 2, 3]) w.registry.write(`/services/firmware/10.0.0.${n}:${port}`, '{}');
    await w.pass(3_000);
    w.register('mqtt', host(1));
    await w.pass(2_000);
    expect(probed.length).toBeGreaterThanOrEqual(1);
  });
});

describe('a removed name', () => {
  it('leaves nothing behind: 9,320 services put and deleted again', async () => {
    await using w = new Watching({
      healthCheck: () => ({
        policy: { interval: 2_000, timeout: 1_000, rise: 2, fall: 2 },
        probe: () => Promise.reject(new Error('dead')),
      }),
    });
    w.register('firmware', host(1));
    await w.pass(1_000);
    const series = [...w.meter.series].sort();
    for (let round = 0; round < 10; round++) {
      const keys = Array.from({ length: 932 }, (_, n) => `/services/made-up-${round}-${n}/10.0.0.1:80`);
      for (const key of keys) w.registry.write(key, '{}');
      await w.pass(100);
      for (const key of keys) w.registry.delete(key);
      await w.pass(100);
    }
    await w.pass(15_000);
    const { services, rejected, nginx } = w.watcher.status();
    expect(services).toHaveLength(1);
    expect(rejected).toEqual([]);
    expect(nginx[0]?.problems).toEqual([]);
    expect([...w.meter.series].filter((each) => each.includes('made-up'))).toEqual([]);
    expect(series.length).toBeGreaterThan(0);
  }, 120_000);

  it('is needed for as long as NGINX has a group for it: the group is emptied', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(500);
    w.vanish('firmware', host(1));
    await w.pass(5_000);
    expect(w.lb.addresses(HTTP)).toEqual([]);
    expect(w.watcher.status().services).toMatchObject([{ name: 'firmware', registered: 0 }]);
  });
});
