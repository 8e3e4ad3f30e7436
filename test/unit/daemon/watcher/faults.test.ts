import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NginxError } from '../../../../src/core/errors.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const TIMEOUT = new NginxError('TIMEOUT', 'no answer within 5000 ms');
const BROKEN = new NginxError('Internal', 'internal error', { status: 500 });

describe('the watcher, when NGINX fails', () => {
  it('waits for an NGINX that is unavailable at the start, and logs that once', async () => {
    await using w = new Watching();
    w.lb.stop();
    w.register('firmware', host(1));
    await w.pass(60_000);
    expect(w.log.events('nginx-unavailable')).toHaveLength(1);
    w.lb.restart();
    await w.pass(1_100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.log.events('nginx-connected')).toHaveLength(1);
  });

  it('adds every server again within 2 s after a restarted, empty NGINX answers', async () => {
    await using w = new Watching();
    for (let n = 1; n <= 20; n++) w.register('firmware', host(n));
    await w.pass(1_000);
    w.lb.stop();
    await w.pass(30_000);
    w.lb.restart();
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toHaveLength(20);
  });

  it('detects a restart between two checks by the identity of NGINX', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    w.lb.restart();
    expect(w.lb.addresses(HTTP)).toEqual([]);
    await w.pass(1_100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.log.events('nginx-reloaded')).toHaveLength(1);
  });

  it('reads NGINX again at once when its network is back', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    w.lb.stop();
    w.register('firmware', host(2));
    await w.pass(10_000);
    w.lb.answer();
    await w.pass(1_100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2)]);
  });

  it('does not repeat an add whose answer was lost', async () => {
    await using w = new Watching();
    let lost = 0;
    w.lb.fault = ({ method }) => (method === 'add' && lost++ === 0 ? { after: TIMEOUT } : undefined);
    w.register('firmware', host(1));
    await w.pass(10_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.lb.count('add')).toBe(1);
  });

  it('removes within seconds the copy that a timed-out add created late', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    let first = true;
    w.lb.fault = ({ method }) => {
      if (method !== 'add' || !first) return undefined;
      first = false;
      return { before: TIMEOUT };
    };
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    w.lb.place(HTTP, host(1));
    await w.pass(6_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('delays no other server when the call for one fails', async () => {
    await using w = new Watching();
    w.lb.fault = ({ method, address }) =>
      method === 'add' && address === host(1) ? { before: BROKEN } : undefined;
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(2), host(3)]);
    expect(w.log.events('server-failed')).toHaveLength(1);
    expect(w.watcher.status().nginx[0]?.upstreams[0]).toMatchObject({ inSync: false });
  });

  it('delays no other group when NGINX no longer shows one', async () => {
    await using w = new Watching();
    w.lb.fault = ({ method, ref }) =>
      method === 'upstream' && ref?.kind === 'http' ? { before: BROKEN } : undefined;
    w.register('firmware', host(1));
    w.register('mqtt', host(1));
    await w.pass(20_000);
    expect(w.lb.addresses(STREAM)).toEqual([host(1)]);
    expect(w.log.events('upstream-unreadable')).toHaveLength(1);
  });

  it('delays no group of one kind when NGINX does not list the groups of the other', async () => {
    await using w = new Watching();
    const upstreams = w.lb.upstreams.bind(w.lb);
    let broken = true;
    w.lb.upstreams = (kind, signal) =>
      broken && kind === 'stream' ? Promise.reject(BROKEN) : upstreams(kind, signal);
    w.register('firmware', host(1));
    w.register('mqtt', host(1));
    await w.pass(20_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.log.events('upstream-list-unreadable')).toHaveLength(1);
    expect(w.log.events('service-unmapped')).toEqual([]);
    broken = false;
    await w.pass(1_500);
    expect(w.lb.addresses(STREAM)).toEqual([host(1)]);
  });

  it('keeps the groups of a kind that NGINX does not list after a reload', async () => {
    await using w = new Watching();
    w.register('mqtt', host(1));
    await w.pass(1_000);
    const upstreams = w.lb.upstreams.bind(w.lb);
    w.lb.upstreams = (kind, signal) => (kind === 'stream' ? Promise.reject(BROKEN) : upstreams(kind, signal));
    w.lb.restart();
    await w.pass(1_500);
    expect(w.lb.addresses(STREAM)).toEqual([host(1)]);
  });

  it('changes one group while NGINX is slow with another', async () => {
    await using w = new Watching();
    w.register('mqtt', host(1));
    await w.pass(1_000);
    w.lb.fault = ({ method }) =>
      method === 'add' ? { hold: new Promise((resolve) => setTimeout(resolve, 100)) } : undefined;
    for (let n = 1; n <= 250; n++) w.register('firmware', host(n));
    await w.pass(500);
    w.register('mqtt', host(2));
    await w.pass(500);
    expect(w.lb.addresses(STREAM)).toEqual([host(1), host(2)]);
    expect(w.lb.addresses(HTTP).length).toBeLessThan(250);
    await w.pass(10_000);
    expect(w.lb.addresses(HTTP)).toHaveLength(250);
  });

  it('removes no other server under the old id when NGINX was reloaded after the read', async () => {
    await using w = new Watching();
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(1_000);
    w.lb.set(HTTP, host(1), { failing: true });
    // The reload comes between the read and the removal, and hands the id of server 1 to server 2.
    w.lb.fault = ({ method }) => {
      if (method === 'upstream') {
        queueMicrotask(() => {
          w.lb.fault = () => undefined;
          const [first] = w.lb.servers(HTTP);
          w.lb.restart();
          for (const n of [2, 1, 3]) w.lb.place(HTTP, host(n));
          if (first) w.lb.set(HTTP, host(1), { failing: true });
        });
      }
      return undefined;
    };
    w.vanish('firmware', host(1));
    const removed: (string | undefined)[] = [];
    w.lb.changed = () => removed.push(w.lb.find(HTTP, host(2)) ? undefined : 'server 2 is gone');
    await w.pass(3_000);
    expect(removed.filter((text) => text)).toEqual([]);
    expect(w.lb.addresses(HTTP)).toEqual([host(2), host(3)]);
  });

  it('keeps a server that is registered again during a slow call', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(1_000);
    const slow = new Promise<void>((resolve) => setTimeout(resolve, 2_000));
    w.lb.fault = ({ method }) => (method === 'add' ? { hold: slow } : undefined);
    w.registry.write(`/services/firmware/${host(3)}`, '{}');
    w.vanish('firmware', host(2));
    await w.pass(500);
    w.register('firmware', host(2));
    await w.pass(5_000);
    expect(w.lb.count('drain')).toBe(0);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2), host(3)]);
  });

  it('keeps the last server when another is registered during a slow call', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    // The drain of the only one is planned; before it goes out, another is to serve.
    w.lb.fault = ({ method }) => {
      if (method === 'identity' && !w.registry.get(`/services/firmware/${host(2)}`))
        w.register('firmware', host(2));
      return undefined;
    };
    const empty: number[] = [];
    w.lb.changed = () => {
      const serving = w.lb.servers(HTTP).filter(({ draining }) => !draining);
      if (serving.length === 0) empty.push(Date.now());
    };
    w.register('firmware', host(1), { drain: true });
    await w.pass(3_000);
    expect(empty).toEqual([]);
    expect(w.lb.addresses(HTTP)).toEqual([host(2)]);
  });

  it('does not ask in a tight loop for the identity of an NGINX that is slow after a reload', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(1_000);
    w.lb.reload();
    let identities = 0;
    w.lb.fault = ({ method }) =>
      method === 'identity' && identities++ === 0
        ? { hold: new Promise((resolve) => setTimeout(resolve, 4_000)) }
        : undefined;
    const before = w.lb.count('upstream');
    w.vanish('firmware', host(2));
    await w.pass(4_000);
    expect(w.lb.count('upstream') - before).toBeLessThan(20);
    await w.pass(3_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('logs a read-only API once for each server, and does not ask again at every poll', async () => {
    await using w = new Watching();
    w.lb.fault = ({ method }) =>
      method === 'add'
        ? { before: new NginxError('MethodDisabled', 'method disabled', { status: 405 }) }
        : undefined;
    let asked = 0;
    const refuse = w.lb.fault;
    w.lb.fault = (call) => {
      if (call.method === 'add') asked++;
      return refuse(call);
    };
    w.register('firmware', host(1));
    await w.pass(100_000);
    expect(w.log.events('server-failed')).toHaveLength(1);
    expect(asked).toBeLessThanOrEqual(5);
  });
});

describe('the watcher, when etcd fails', () => {
  it('changes nothing in NGINX while etcd is unavailable, and logs that once', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(1_000);
    w.registry.fault('down');
    const before = w.lb.calls.length;
    await w.pass(300_000);
    const writes = w.lb.calls.slice(before).filter(({ method }) => /add|update|drain|remove/.test(method));
    expect(writes).toEqual([]);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2)]);
    expect(w.log.events('etcd-unavailable')).toHaveLength(1);
    expect(w.watcher.ready).toBe(false);
    w.registry.fault('none');
    await w.pass(1_000);
    expect(w.watcher.ready).toBe(true);
  });

  it('distinguishes an etcd that refuses from one that is unavailable, and shows the reason', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    w.registry.fault('locked-out');
    await w.pass(60_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.watcher.status()).toMatchObject({
      ready: false,
      etcd: { connected: false, state: 'refused', error: expect.stringMatching(/passwordFile/) as string },
    });
    expect(w.log.events('etcd-unavailable')).toEqual([]);
    expect(w.log.events('etcd-refused').length).toBeGreaterThan(0);

    w.registry.fault('down');
    await w.pass(1_000);
    expect(w.watcher.status().etcd.state).toBe('unavailable');
    expect(w.log.events('etcd-unavailable')).toHaveLength(1);
  });

  it('continues to read a full etcd, and logs that it refuses the writes of the watcher', async () => {
    await using w = new Watching();
    w.registry.fault('full');
    w.register('firmware', host(1));
    await w.pass(60_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.watcher.status().etcd).toMatchObject({
      connected: true,
      state: 'refused',
      error: expect.stringMatching(/space exceeded.*alarm disarm/) as string,
    });
  });

  it('is not ready while a later watcher has the same id, and says so', async () => {
    await using first = new Watching();
    first.register('firmware', host(1));
    await first.pass(1_000);
    expect(first.watcher.status()).toMatchObject({ ready: true, superseded: false });
    await using second = new Watching({ registry: first.registry });
    await second.pass(60_000);

    expect(first.watcher.status()).toMatchObject({ ready: false, superseded: true });
    expect(second.watcher.status()).toMatchObject({ ready: true, superseded: false });
  });

  it('configures a restarted NGINX again while etcd is unavailable', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    w.registry.fault('down');
    await w.pass(1_000);
    w.lb.restart();
    await w.pass(1_100);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });
});

describe('the watcher', () => {
  it('leaves NGINX as it is when it stops, and deletes its keys in etcd', async () => {
    const w = new Watching();
    w.register('firmware', host(1));
    await w.pass(1_000);
    expect(w.registry.keys()).toContain('/sidekick/watchers/lb1');
    const stopped = w.stop();
    w.vanish('firmware', host(1));
    await stopped;
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.registry.keys()).toEqual([]);
    expect(w.registry.leases()).toEqual([]);
  });

  it('completes the call under way when it stops', async () => {
    const w = new Watching();
    await w.pass(100);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    w.lb.fault = ({ method }) => (method === 'add' ? { hold: held } : undefined);
    w.register('firmware', host(1));
    await w.pass(100);
    const stopped = w.stop();
    await vi.advanceTimersByTimeAsync(100);
    release();
    await stopped;
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('is followed by one that continues when it is killed during a drain', async () => {
    const first = new Watching();
    for (const service of ['firmware', 'mqtt']) {
      first.register(service, host(1));
      first.register(service, host(2));
    }
    await first.pass(100);
    for (const [service, ref] of [['firmware', HTTP] as const, ['mqtt', STREAM] as const]) {
      first.lb.set(ref, host(2), { active: 1 });
      first.vanish(service, host(2));
    }
    await first.pass(1_000);
    await first.stop();

    await using second = new Watching({ nginx: first.nginx, registry: first.registry });
    await second.pass(5_000);
    expect(second.lb.addresses(HTTP)).toHaveLength(2);
    expect(second.lb.addresses(STREAM)).toHaveLength(2);
    second.lb.set(HTTP, host(2), { active: 0 });
    second.lb.set(STREAM, host(2), { active: 0 });
    await second.pass(2_500);
    expect(second.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(second.lb.addresses(STREAM)).toEqual([host(1)]);
  });

  it('continues without a group whose loop has a defect, and logs that', async () => {
    await using w = new Watching();
    let broken = true;
    const upstream = w.lb.upstream.bind(w.lb);
    w.lb.upstream = (ref, signal) => {
      if (broken && ref.kind === 'http') return Promise.reject(new TypeError('a defect'));
      return upstream(ref, signal);
    };
    w.register('firmware', host(1));
    w.register('mqtt', host(1));
    await w.pass(3_000);
    expect(w.lb.addresses(STREAM)).toEqual([host(1)]);
    expect(w.log.events('worker-failed').length).toBeGreaterThan(0);
    broken = false;
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
  });

  it('is ready when NGINX is in sync, and not while NGINX is unavailable', async () => {
    await using w = new Watching({ nginx: [new FakeNginx({ http: ['firmware'] })] });
    expect(w.watcher.ready).toBe(false);
    w.register('firmware', host(1));
    await w.pass(500);
    expect(w.watcher.ready).toBe(true);
    w.lb.stop();
    await w.pass(1_500);
    expect(w.watcher.ready).toBe(false);
  });
});
