import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NginxError } from '../../../../src/core/errors.js';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const TIMEOUT = new NginxError('TIMEOUT', 'no answer within 5000 ms');

/** A watcher of a group of so many servers, in sync and at rest. */
async function watching(servers: number, setup: ConstructorParameters<typeof Watching>[0] = {}) {
  const w = new Watching(setup);
  for (let n = 1; n <= servers; n++) w.register('firmware', host(n));
  await w.pass(2_000);
  w.lb.calls.length = 0;
  return w;
}

/** The calls other than the question, once a second, who NGINX is. */
function calls(w: Watching): readonly string[] {
  return w.lb.calls.map(({ method }) => method);
}

describe('a change in etcd', () => {
  it('is one call, at once and without a read, if it adds an instance', async () => {
    await using w = await watching(3);
    w.register('firmware', host(4));
    await w.pass(0);
    expect(calls(w)).toEqual(['add']);
    expect(w.lb.addresses(HTTP)).toContain(host(4));
  });

  it('is a check of the identity of NGINX and a patch, if it changes a parameter', async () => {
    await using w = await watching(3);
    w.register('firmware', host(2), { weight: 5 });
    await w.pass(0);
    expect(calls(w)).toEqual(['identity', 'update']);
    expect(w.lb.find(HTTP, host(2))?.parameters.weight).toBe(5);
  });

  it('is a read of the group, a check of the identity and a drain, if it drains an instance', async () => {
    await using w = await watching(3);
    w.register('firmware', host(2), { drain: true });
    await w.pass(0);
    expect(calls(w)).toEqual(['server', 'identity', 'drain']);
    expect(w.lb.find(HTTP, host(2))?.draining).toBe(true);
  });

  it('is not delayed by the changes before it', async () => {
    await using w = await watching(3);
    for (let n = 4; n <= 8; n++) {
      w.register('firmware', host(n));
      await w.pass(0);
      expect(w.lb.addresses(HTTP)).toContain(host(n));
    }
    expect(calls(w)).toEqual(['add', 'add', 'add', 'add', 'add']);
  });

  it('uses the id that NGINX answered, if it is about a server that was just added', async () => {
    await using w = await watching(3);
    w.register('firmware', host(4));
    await w.pass(0);
    w.register('firmware', host(4), { weight: 2 });
    await w.pass(0);
    expect(calls(w)).toEqual(['add', 'identity', 'update']);
    expect(w.lb.find(HTTP, host(4))?.parameters.weight).toBe(2);
  });

  it('is sent while the call for another server of the group is under way', async () => {
    await using w = await watching(3);
    w.lb.fault = ({ method, address }) =>
      method === 'add' && address === host(4)
        ? { hold: new Promise((resolve) => setTimeout(resolve, 3_000)) }
        : undefined;
    w.register('firmware', host(4));
    await w.pass(10);
    w.register('firmware', host(5));
    await w.pass(0);
    expect(w.lb.addresses(HTTP)).toContain(host(5));
    // A further change of the first waits for its call, and then goes by what that came to.
    w.register('firmware', host(4), { weight: 2 });
    await w.pass(4_000);
    expect(w.lb.find(HTTP, host(4))?.parameters.weight).toBe(2);
    expect(w.lb.count('add')).toBe(2);
  });

  it('is logged as a defect if it meets one, and the group continues', async () => {
    await using w = await watching(3);
    const add = w.lb.add.bind(w.lb);
    w.lb.add = () => Promise.reject(new TypeError('a defect'));
    w.register('firmware', host(4));
    await w.pass(200);
    w.lb.add = add;
    await w.pass(2_000);
    expect(w.log.events('worker-failed')).not.toEqual([]);
    expect(w.lb.addresses(HTTP)).toContain(host(4));
  });

  it('costs no call if NGINX has what it says already', async () => {
    await using w = await watching(3);
    w.register('firmware', host(2));
    await w.pass(500);
    expect(calls(w)).toEqual([]);
  });

  it('is verified by one full pass shortly after the last of several changes', async () => {
    await using w = await watching(3);
    for (let n = 4; n <= 8; n++) {
      w.register('firmware', host(n));
      await w.pass(10);
    }
    expect(w.lb.count('upstream')).toBe(0);
    await w.pass(200);
    expect(w.lb.count('upstream')).toBe(1);
    await w.pass(10_000);
    expect(w.lb.count('upstream')).toBe(1);
  });

  it('is verified after a second at the latest, however many changes follow', async () => {
    await using w = await watching(3);
    for (let i = 0; i < 140; i++) {
      w.register('firmware', host(4 + i));
      await w.pass(20);
    }
    expect(w.lb.count('upstream')).toBe(2);
  });

  it('is sent to a group while another one is read', async () => {
    await using w = await watching(3);
    w.register('mqtt', host(1));
    await w.pass(500);
    w.lb.fault = ({ method, ref }) =>
      method === 'upstream' && ref?.kind === 'stream'
        ? { hold: new Promise((resolve) => setTimeout(resolve, 3_000)) }
        : undefined;
    w.register('mqtt', host(2));
    await w.pass(100);
    w.register('firmware', host(4));
    await w.pass(0);
    expect(w.lb.addresses(HTTP)).toContain(host(4));
    await w.pass(5_000);
  });
});

describe('a change while the group is read', () => {
  /** Holds back the answer to the next read of the group, which shows the group as it is when it is asked. */
  function holdRead(w: Watching): { readonly isHeld: boolean; release(): void } {
    const held = { isHeld: false, release: () => {} };
    const upstream = w.lb.upstream.bind(w.lb);
    w.lb.upstream = async (ref, signal) => {
      w.lb.upstream = upstream;
      const state = await upstream(ref, signal);
      await new Promise<void>((resolve) => {
        held.isHeld = true;
        held.release = resolve;
      });
      return state;
    };
    return held;
  }

  /** A watcher of a group with three servers and a fourth just added, which reads the group now. */
  async function reading() {
    const w = await watching(3);
    const read = holdRead(w);
    w.register('firmware', host(4));
    await w.pass(100);
    expect(read.isHeld).toBe(true);
    w.lb.calls.length = 0;
    return { w, read };
  }

  it('is sent at once', async () => {
    const { w, read } = await reading();
    await using _ = w;
    w.register('firmware', host(5));
    await w.pass(0);
    expect(w.lb.addresses(HTTP)).toContain(host(5));
    read.release();
    await w.pass(500);
    expect(w.lb.count('add')).toBe(1);
    expect(w.watcher.status().nginx[0]?.upstreams).toContainEqual(expect.objectContaining({ inSync: true }));
  });

  it('is proved by another read', async () => {
    const { w, read } = await reading();
    await using _ = w;
    w.register('firmware', host(5));
    await w.pass(0);
    read.release();
    await w.pass(0);
    // What the read shows of the server is left to the next one, which repairs this.
    w.lb.place(HTTP, host(5));
    await w.pass(300);
    expect(w.lb.count('upstream')).toBeGreaterThan(0);
    expect(w.lb.addresses(HTTP)).toEqual([1, 2, 3, 4, 5].map(host));
  });

  it('is neither taken back nor sent twice if the read shows the group as it was before', async () => {
    const { w, read } = await reading();
    await using _ = w;
    w.register('firmware', host(5));
    w.register('firmware', host(2), { weight: 7 });
    await w.pass(0);
    read.release();
    await w.pass(500);
    expect(calls(w)).toEqual(['add', 'identity', 'update', 'upstream']);
    expect(w.lb.addresses(HTTP)).toEqual([1, 2, 3, 4, 5].map(host));
    expect(w.lb.find(HTTP, host(2))?.parameters.weight).toBe(7);
  });

  it('ends no drain by counters from before', async () => {
    await using w = await watching(3);
    w.register('firmware', host(2), { drain: true });
    await w.pass(100);
    w.lb.set(HTTP, host(2), { active: 0 });
    const read = holdRead(w);
    await w.pass(300);
    w.lb.set(HTTP, host(2), { active: 1 });
    // Another request while the group is read, by which the server is planned again.
    w.register('firmware', host(2), { drain: true, weight: 2 });
    await w.pass(300);
    read.release();
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toContain(host(2));
  });

  it('has everything read again if its answer was lost', async () => {
    const { w, read } = await reading();
    await using _ = w;
    const { fault } = w.lb;
    let lost = 0;
    w.lb.fault = (call) => (call.method === 'add' && lost++ === 0 ? { after: TIMEOUT } : fault(call));
    w.register('firmware', host(5));
    await w.pass(0);
    read.release();
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toEqual([1, 2, 3, 4, 5].map(host));
    expect(w.lb.count('add')).toBe(1);
  });
});

describe('the fast path, with outdated servers', () => {
  it('never drains the last serving server after somebody else has changed the group', async () => {
    await using w = await watching(2);
    const [first] = w.lb.servers(HTTP);
    await w.lb.drain(HTTP, first?.id ?? -1, new AbortController().signal);
    const empty: boolean[] = [];
    w.lb.changed = () => empty.push(w.lb.servers(HTTP).every(({ draining }) => draining));
    w.register('firmware', host(2), { drain: true });
    await w.pass(2_000);
    expect(empty).not.toContain(true);
    expect(w.lb.servers(HTTP)).toMatchObject([{ address: host(1), draining: false }]);
  });

  it('leaves a copy that somebody else added to the full pass, which repairs it', async () => {
    await using w = await watching(2);
    w.lb.place(HTTP, host(3));
    w.register('firmware', host(3));
    await w.pass(0);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2), host(3), host(3)]);
    await w.pass(200);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2), host(3)]);
  });

  it('reads the group before it sends anything after an answer was lost', async () => {
    await using w = await watching(2);
    let lost = 0;
    w.lb.fault = ({ method }) => (method === 'add' && lost++ === 0 ? { after: TIMEOUT } : undefined);
    w.register('firmware', host(3));
    await w.pass(1);
    w.register('firmware', host(3), { weight: 2 });
    await w.pass(1_000);
    expect(calls(w).filter((method) => method === 'add')).toHaveLength(1);
    expect(w.lb.servers(HTTP).at(-1)).toMatchObject({ address: host(3), parameters: { weight: 2 } });
  });

  it('touches no other server under an old id when NGINX is reloaded between the check and the call', async () => {
    await using w = await watching(3);
    // The servers stay and change places: id 0 is host 3 now.
    w.lb.restart();
    for (const n of [3, 2, 1]) w.lb.place(HTTP, host(n));
    const others: boolean[] = [];
    w.lb.changed = () => others.push([2, 3].every((n) => w.lb.find(HTTP, host(n))?.draining === false));
    w.register('firmware', host(1), { drain: true });
    await w.pass(3_000);
    expect(others).not.toContain(false);
    expect([...w.lb.addresses(HTTP)].sort()).toEqual([host(2), host(3)]);
  });

  it('considers no server idle: a drain ends only by counters that were read for it', async () => {
    await using w = await watching(3);
    w.register('firmware', host(2), { drain: true });
    await w.pass(100);
    w.lb.set(HTTP, host(2), { active: 1 });
    await w.pass(600);
    // Another request while it drains, by which it is planned again.
    w.register('firmware', host(2), { drain: true, weight: 2 });
    await w.pass(1_000);
    expect(w.lb.addresses(HTTP)).toContain(host(2));
    w.lb.set(HTTP, host(2), { active: 0 });
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).not.toContain(host(2));
  });

  it('considers no server dead: one that NGINX found failing and that is healthy again keeps its grace', async () => {
    await using w = await watching(4, { options: { guard: DEFAULT_GUARD } });
    w.lb.set(HTTP, host(2), { failing: true });
    await w.pass(31_000);
    w.lb.set(HTTP, host(2), { failing: false });
    w.vanish('firmware', host(2));
    await w.pass(5_000);
    expect(w.lb.find(HTTP, host(2))).toMatchObject({ draining: false });
  });
});

describe('the guard on the fast path', () => {
  it('counts every vanished instance, one at a time', async () => {
    await using w = await watching(6, { options: { guard: DEFAULT_GUARD } });
    for (let n = 1; n <= 4; n++) {
      w.vanish('firmware', host(n));
      await w.pass(1);
    }
    await w.pass(60_000);
    expect(w.lb.servers(HTTP).filter(({ draining }) => draining)).toEqual([]);
    expect(w.watcher.status().nginx[0]?.upstreams[0]?.held).toHaveLength(4);
  });
});

describe('a drain request', () => {
  it('is acknowledged only when a full pass has seen that the server is gone', async () => {
    await using w = await watching(2);
    const revision = w.register('firmware', host(2), { drain: true });
    const key = `/sidekick/drained/firmware/${host(2)}/lb1`;
    await w.pass(0);
    expect(w.registry.get(key)).toBeUndefined();
    await w.pass(2_000);
    expect(w.registry.get(key)?.value).toBe(String(revision));
  });

  it('is acknowledged at once for a server that NGINX does not have', async () => {
    await using w = await watching(2);
    const revision = w.register('firmware', host(7), { drain: true });
    await w.pass(200);
    expect(w.registry.get(`/sidekick/drained/firmware/${host(7)}/lb1`)?.value).toBe(String(revision));
  });
});

describe('two watchers of one NGINX', () => {
  it('adds an address once when each watcher adds it at the same time', async () => {
    const nginx = [new FakeNginx({ http: ['firmware'] })];
    await using first = await watching(2, { nginx });
    await using second = new Watching({
      nginx,
      registry: first.registry,
      options: { id: 'lb2' },
    });
    await second.pass(1_000);
    first.register('firmware', host(3));
    await first.pass(1_000);
    expect(first.lb.addresses(HTTP)).toEqual([host(1), host(2), host(3)]);
  });
});
