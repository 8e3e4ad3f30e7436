import { describe, expect, it } from 'vitest';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import type { WatcherOptions, WatcherPorts } from '../../../../src/daemon/watcher/options.js';
import { runOnce } from '../../../../src/daemon/watcher/run-once.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { HTTP, host, OPTIONS, STREAM } from '../../../support/watching.js';

const SIGNAL = new AbortController().signal;

function setUp() {
  const registry = new FakeRegistry(Date.now());
  const nginx = new FakeNginx({ http: ['firmware'], stream: ['mqtt'] });
  const look = (dryRun: boolean, options: Partial<WatcherOptions> = {}, ports: Partial<WatcherPorts> = {}) =>
    runOnce(
      { ...OPTIONS, ...options },
      { reader: registry, nginx: [nginx], clock: () => performance.now(), ...ports },
      { dryRun },
      SIGNAL,
    );
  const writes = () => nginx.calls.filter(({ method }) => /add|update|drain|remove/.test(method));
  return { registry, nginx, look, writes };
}

describe('a single pass', () => {
  it('puts NGINX in sync, and returns what it did', async () => {
    const { registry, nginx, look } = setUp();
    registry.write(`/services/firmware/${host(1)}`, '{"weight":2}');
    registry.write(`/services/mqtt/${host(1)}`, '{}');
    const report = await look(false);
    expect(report.inSync).toBe(true);
    expect(report.nginx[0]?.upstreams).toMatchObject([
      { kind: 'http', name: 'firmware', inSync: true, actions: [{ type: 'add', address: host(1) }] },
      { kind: 'stream', name: 'mqtt', inSync: true },
    ]);
    expect(nginx.addresses(HTTP)).toEqual([host(1)]);
    expect((await look(false)).nginx[0]?.upstreams[0]?.actions).toEqual([]);
  });

  it('returns with dryRun what it would do, and does nothing', async () => {
    const { registry, look, writes } = setUp();
    registry.write(`/services/firmware/${host(1)}`, '{}');
    const report = await look(true);
    expect(report).toMatchObject({
      inSync: false,
      nginx: [{ upstreams: [{ actions: [{ type: 'add', address: host(1) }] }] }],
    });
    expect(writes()).toEqual([]);
    expect(registry.calls).toEqual([]);
  });

  it('is not in sync while a server drains', async () => {
    const { registry, nginx, look } = setUp();
    registry.write(`/services/firmware/${host(1)}`, '{}');
    registry.write(`/services/firmware/${host(2)}`, '{"drain":true}');
    nginx.place(HTTP, host(1));
    nginx.place(HTTP, host(2));
    const report = await look(false);
    expect(report.inSync).toBe(false);
    expect(nginx.find(HTTP, host(2))?.draining).toBe(true);
  });

  it('leaves what the guard holds, and is in sync', async () => {
    const { registry, nginx, look, writes } = setUp();
    registry.write(`/services/firmware/${host(1)}`, '{}');
    for (const n of [1, 2, 3, 4]) nginx.place(HTTP, host(n));
    expect(await look(false, { guard: DEFAULT_GUARD })).toMatchObject({ inSync: true });
    expect(writes()).toEqual([]);
  });

  it('is not in sync when a server is rejected, and says why', async () => {
    const { registry, nginx, look } = setUp();
    nginx.setCapacity(HTTP, 0);
    registry.write(`/services/firmware/${host(1)}`, '{}');
    expect(await look(false)).toMatchObject({
      inSync: false,
      nginx: [{ upstreams: [{ errors: [expect.stringContaining('UpstreamOutOfMemory')] }] }],
    });
  });

  it('is not in sync when an NGINX is unavailable, and handles the others', async () => {
    const { registry, nginx, look } = setUp();
    const away = new FakeNginx({ name: 'away', http: ['firmware'] });
    away.stop();
    registry.write(`/services/firmware/${host(1)}`, '{}');
    expect(await look(false, {}, { nginx: [nginx, away] })).toMatchObject({
      inSync: false,
      nginx: [{ name: 'nginx' }, { name: 'away', error: 'the fake NGINX is down' }],
    });
    expect(nginx.addresses(HTTP)).toEqual([host(1)]);
  });

  it('puts no servers back that a running watcher may have found dead', async () => {
    const { registry, nginx, look, writes } = setUp();
    for (const n of [1, 2]) registry.write(`/services/mqtt/${host(n)}`, '{}');
    nginx.place(STREAM, host(1));
    nginx.place(STREAM, host(2), { down: true });
    const policy = { interval: 1_000, timeout: 1_000, rise: 1, fall: 1 };
    const healthCheck = () => ({ probe: () => Promise.resolve(), policy });
    expect(await look(false, {}, { healthCheck })).toMatchObject({ inSync: true });
    expect(writes()).toEqual([]);
  });

  it('rejects when it is aborted while etcd is unavailable', async () => {
    const { registry, nginx } = setUp();
    registry.fault('down');
    const controller = new AbortController();
    const ports = { reader: registry, nginx: [nginx], clock: () => performance.now() };
    const looking = runOnce(OPTIONS, ports, { dryRun: false }, controller.signal);
    controller.abort(new Error('enough'));
    await expect(looking).rejects.toThrow('enough');
  });
});
