import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { DEFAULT_KEY_PREFIXES, watcherKey } from '../../../src/core/keys.js';
import { type Etcd, until } from '../../support/containers/index.js';
import { ProxiedEtcd } from '../../support/proxied-etcd.js';
import { Recorder } from '../../support/recorder.js';
import { NEVER, run, serviceSpec } from '../../support/registrar/harness.js';
import { openStreams } from '../../support/registrar/open-streams.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';

const KEY = '/services/firmware/10.0.0.1:8080';

let proxied: ProxiedEtcd;
let server: Etcd;
let proxy: TcpProxy;
let etcd: EtcdConnection;

beforeAll(async () => {
  proxied = await ProxiedEtcd.start();
  ({ server, proxy, direct: etcd } = proxied);
});
afterAll(() => proxied?.[Symbol.asyncDispose]());
beforeEach(async () => {
  proxy.heal();
  await server.delete('/services/');
  await server.delete('/sidekick/');
});

function start(options: Partial<Parameters<typeof run>[0]> = {}) {
  return run({ etcd: { endpoints: [proxy.address] }, services: [serviceSpec()], ...options });
}

async function keys(prefix = '/services/'): Promise<string[]> {
  return (await etcd.store.list(prefix, NEVER)).map(({ key }) => key);
}

async function leases(): Promise<string[]> {
  return (await server.ctl('lease', 'list')).trim().split('\n').slice(1);
}

/** Follows the keys and says whether they were ever other than present. */
async function vigil(): Promise<{ end(): Promise<boolean> }> {
  const stop = new AbortController();
  const recorder = new Recorder();
  const done = etcd.reader.watch([KEY], recorder, stop.signal);
  await until('the key is seen', () => recorder.last?.entries.has(KEY));
  return {
    async end() {
      stop.abort();
      await done;
      const first = recorder.views.findIndex(({ entries }) => entries.has(KEY));
      return recorder.views.slice(first).every(({ entries }) => entries.has(KEY));
    },
  };
}

describe('a registration on a real etcd', () => {
  it('exists while its registrar runs, and is gone when the registrar has stopped', async () => {
    const before = await leases();
    const running = start();
    await until('it is registered', async () => (await keys()).includes(KEY));
    expect(running.registrar.status()).toMatchObject({ ready: true, connected: true });

    await running.stop();

    expect(await keys()).toEqual([]);
    expect(await leases()).toEqual(before);
  });

  it('is registered again when its lease is revoked', async () => {
    await using running = start();
    await until('it is registered', async () => (await keys()).includes(KEY));
    const lease = (await etcd.store.read([KEY], NEVER)).get(KEY)?.lease ?? '';

    await etcd.store.revoke(lease, NEVER);

    await until('it is registered again', async () => {
      const entry = (await etcd.store.read([KEY], NEVER)).get(KEY);
      return entry !== undefined && entry.lease !== lease;
    });
    expect(running.log.events('lease-lost')).toHaveLength(1);
  });

  it('is written again when somebody else deletes its key', async () => {
    await using running = start();
    await until('it is registered', async () => (await keys()).includes(KEY));

    await server.delete(KEY);

    await until('it is registered again', async () => (await keys()).includes(KEY));
    await until('the repair is said', () => running.log.events('key-repaired').length === 1);
  });

  it('asks for a drain as long as an operator drains its instance, and says so', async () => {
    await using running = start();
    await until('it is registered', async () => (await keys()).includes(KEY));
    const key = '/sidekick/maintenance/firmware/10.0.0.1:8080';

    await server.put(key, JSON.stringify({ by: 'ann@build1', reason: 'new disk' }));
    await until('the drain is said', () => running.log.events('maintenance-started').length === 1);
    await server.delete(key);

    await until('its end is said', () => running.log.events('maintenance-ended').length === 1);
  });

  it.each(['refuse', 'freeze', 'drop'] as const)(
    'returns after connections that %s for so long that the lease is lost',
    async (fault) => {
      await using running = start();
      await until('it is registered', async () => (await keys()).includes(KEY));

      proxy[fault]();
      await until('it has expired', async () => (await keys()).length === 0);
      await until('that is known', () => !running.registrar.status().connected);
      proxy.heal();

      await until('it is registered again', async () => (await keys()).includes(KEY));
      expect(running.log.events('lease-renewal-failed')).toHaveLength(1);
    },
  );

  it('begins once etcd answers again, where its instance became healthy meanwhile', async () => {
    let isHealthy = false;
    const probe = () => (isHealthy ? Promise.resolve() : Promise.reject(new Error('not yet')));
    await using running = start({ services: [{ ...serviceSpec(), probe }], leaseTtl: 30_000 });
    await until('it has a lease', () => running.log.events('lease-granted').length === 1);

    proxy.refuse();
    isHealthy = true;
    await until('it has tried', () => running.log.events('keys-failed').length > 0);
    expect(await keys()).toEqual([]);
    proxy.heal();

    await until('it is registered', async () => (await keys()).includes(KEY));
  });

  it('survives connections that answer slowly', async () => {
    await using running = start();
    await until('it is registered', async () => (await keys()).includes(KEY));
    const watch = await vigil();
    proxy.delay(150);

    for (let renewals = 0; renewals < 4; renewals++) {
      const { lastProgress } = running.registrar;
      await until('the lease is renewed', () => running.registrar.lastProgress > lastProgress);
    }

    expect(await watch.end()).toBe(true);
    expect(running.log.events('lease-granted')).toHaveLength(1);
  });

  it('never disappears when its process is killed and restarted within the TTL', async () => {
    const first = await startProcess();
    const watch = await vigil();
    const before = (await etcd.store.read([KEY], NEVER)).get(KEY);
    first.kill('SIGKILL');
    await once(first, 'exit');

    const second = await startProcess();
    const after = await until('the new process has it', async () => {
      const entry = (await etcd.store.read([KEY], NEVER)).get(KEY);
      return entry?.lease !== before?.lease && entry;
    });
    await until('the old lease has ended', async () => {
      const hex = BigInt(before?.lease ?? 0).toString(16);
      return !(await leases()).includes(hex);
    });

    expect(await watch.end()).toBe(true);
    expect((await etcd.store.read([KEY], NEVER)).get(KEY)).toEqual(after);
    second.kill('SIGTERM');
    const [code] = await once(second, 'exit');
    expect(code).toBe(0);
    expect(await keys()).toEqual([]);
  });

  it('belongs to the newer of two processes, and stays when the older one ends', async () => {
    const older = start({ services: [serviceSpec({ weight: 1 })] });
    await until('the older one is registered', async () => (await keys()).includes(KEY));
    const newer = start({ services: [serviceSpec({ weight: 2 })] });
    await until(
      'the older one stands back',
      () => older.registrar.status().services[0]?.key === 'superseded',
    );
    expect((await server.list('/services/')).get(KEY)).toBe('{"weight":2}');

    await older.stop();
    expect((await server.list('/services/')).get(KEY)).toBe('{"weight":2}');

    await newer.stop();
    expect(await keys()).toEqual([]);
  });

  it('returns to the older of two processes when the newer one ends', async () => {
    await using older = start({ services: [serviceSpec({ weight: 3 })] });
    await until('the older one is registered', async () => (await keys()).includes(KEY));
    const newer = start({ services: [serviceSpec({ weight: 2 })] });
    await until(
      'the older one stands back',
      () => older.registrar.status().services[0]?.key === 'superseded',
    );

    await newer.stop();

    await until(
      'the older one is back',
      async () => (await server.list('/services/')).get(KEY) === '{"weight":3}',
    );
    await until('that is said', () => older.log.events('key-reclaimed').length === 1);
  });

  it('survives an event loop that is blocked for half a TTL, again and again', async () => {
    const ttl = 6000;
    await using running = start({ leaseTtl: ttl });
    await until('it is registered', async () => (await keys()).includes(KEY));
    const watch = await vigil();

    // From right after one renewal to right before the next, so that one of them hits a call under way.
    for (const part of [0, 0.5, 0.97, 1]) {
      const { lastProgress } = running.registrar;
      await until('the lease is renewed', () => running.registrar.lastProgress > lastProgress);
      await delay((part * ttl) / 3);
      block(ttl / 2);
    }

    expect(await watch.end()).toBe(true);
    expect(running.log.events('lease-lost')).toEqual([]);
  });

  it('exists for 500 services under one lease, with never more than one keepalive stream', async () => {
    const services = Array.from({ length: 500 }, (_, index) =>
      serviceSpec({ service: `s${index}`, health: { interval: 60_000 } }),
    );
    const before = await leases();
    await using running = start({ services });
    await until('all are registered', async () => (await keys()).length === 500);
    await until('it knows', () => running.registrar.status().ready);

    expect(await leases()).toHaveLength(before.length + 1);
    expect(await openStreams(server, 'LeaseKeepAlive')).toBeLessThanOrEqual(1);
    expect(running.registrar.status().services).toHaveLength(500);
  });
});

describe('the handshake on a real etcd', () => {
  const PRESENCE = watcherKey(DEFAULT_KEY_PREFIXES, 'lb-1');

  async function register() {
    const running = start();
    await until('it is registered', async () => (await keys()).includes(KEY));
    return running;
  }

  it('waits for the acknowledgement of the watcher and for nothing else', async () => {
    await server.put(
      PRESENCE,
      JSON.stringify({ nginx: ['a'], upstreams: ['http/firmware'], services: ['firmware'] }),
    );
    const running = await register();
    const stopped = running.stop();
    const drain = await until('it asks to be drained', async () => {
      const entry = (await etcd.store.read([KEY], NEVER)).get(KEY);
      return entry?.value.includes('"drain":true') && entry;
    });
    await until('it waits', () => running.registrar.status().waitingFor.length > 0);

    await server.put('/sidekick/drained/firmware/10.0.0.1:8080/lb-1', String(drain.revision));

    await stopped;
    expect(await keys()).toEqual([]);
    expect(running.log.events('drain-timed-out')).toEqual([]);
  });

  it('ends at once when the last watcher stops', async () => {
    const lease = await etcd.store.grant(60_000, NEVER);
    await etcd.store.put(PRESENCE, JSON.stringify({ services: ['firmware'] }), { lease }, NEVER);
    const running = await register();
    const stopped = running.stop();
    await until('it waits', () => running.registrar.status().waitingFor.length > 0);

    await etcd.store.revoke(lease, NEVER);

    await stopped;
    expect(running.log.events('drain-timed-out')).toEqual([]);
  });

  it('ends in bounded time when etcd is dead', async () => {
    await server.put(PRESENCE, JSON.stringify({ services: ['firmware'] }));
    await using running = start({ drainTimeout: 1000 });
    await until('it is registered', async () => (await keys()).includes(KEY));
    proxy.freeze();
    const began = Date.now();

    await running.stop();

    // The drain timeout, and 2 s for the revocation.
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(running.log.events('drain-timed-out')).toHaveLength(1);
    expect(running.log.events('lease-abandoned')).toHaveLength(1);
  });
});

/** A registrar in a process of its own, once its service is in etcd. */
async function startProcess() {
  const script = fileURLToPath(new URL('../../support/registrar/process.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, server.url, '10000', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  expect(line.toString()).toContain('ready');
  return child;
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
