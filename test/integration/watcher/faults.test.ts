import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import { DEFAULT_GUARD } from '../../../src/core/guard.js';
import { isOut } from '../../../src/core/plan.js';
import { ApiFront } from '../../support/api-front.js';
import { keepLooking, until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { HTTP, OPTIONS, STREAM } from '../../support/watching.js';

const SIGNAL = new AbortController().signal;
const MANY = Array.from({ length: 60 }, (_, i) => `127.0.0.1:${9100 + i}`);
/** How long etcd stays down in the test of a long outage, in ms. */
const OUTAGE = Number(process.env.OUTAGE_MS ?? 5_000);
const [A, B, C, D] = MANY as [string, string, string, string];

let cluster: RealCluster;
let writer: ReturnType<typeof connectEtcd>;

beforeAll(async () => {
  cluster = await RealCluster.start();
  writer = connectEtcd({ endpoints: [cluster.etcd.url] });
});
afterAll(async () => {
  writer?.close();
  await cluster?.[Symbol.asyncDispose]();
});
beforeEach(() => cluster.clear());

const put = (address: string, value = '{}', service = 'firmware') =>
  writer.store.put(`/services/${service}/${address}`, value, {}, SIGNAL);

const putAll = (addresses: readonly string[], value = '{}') =>
  Promise.all(addresses.map((address) => put(address, value)));

const remove = (address: string, service = 'firmware') =>
  writer.store.remove(`/services/${service}/${address}`, {}, SIGNAL);

/** How often NGINX has loaded its configuration; undefined where a reload has just closed the connection. */
async function generation(): Promise<number | undefined> {
  const response = await fetch(`${cluster.gateway.api}/9/nginx`).catch(() => undefined);
  return ((await response?.json()) as { generation: number } | undefined)?.generation;
}

/** A watcher whose way to the gateway's API is spoilt as a test likes, if need be from the start. */
async function fronted(
  timeout = 5_000,
  treat: ApiFront['treat'] = () => undefined,
): Promise<{ watcher: RealWatcher; front: ApiFront }> {
  const front = await ApiFront.start(cluster.gateway.api);
  front.treat = treat;
  const watcher = new RealWatcher({
    etcd: [cluster.etcdProxy.address],
    nginx: { gateway: front.url },
    timeout,
  });
  onTestFinished(async () => {
    await watcher.stop();
    await front[Symbol.asyncDispose]();
  });
  return { watcher, front };
}

/** The addresses that were missing from the group, or out of rotation in it, at any look while something went on. */
async function observed(during: () => Promise<void>): Promise<{ missing: Set<string>; out: Set<string> }> {
  const missing = new Set<string>();
  const out = new Set<string>();
  const before = (await cluster.servers(HTTP)).map(({ address }) => address);
  const over = new AbortController();
  async function look(): Promise<void> {
    const now = await cluster.servers(HTTP);
    const present = new Set(now.map(({ address }) => address));
    for (const address of before.filter((each) => !present.has(each))) missing.add(address);
    for (const { address } of now.filter(isOut)) out.add(address);
  }
  const looking = keepLooking(look, over.signal);
  await during().finally(() => over.abort());
  await looking;
  return { missing, out };
}

describe('the watcher, when etcd fails', () => {
  const guarded = { guard: DEFAULT_GUARD };

  it('moves no server while etcd is wiped: the guard holds the servers until they are registered again', async () => {
    await using watcher = RealWatcher.of(cluster, guarded);
    await putAll([A, B, C]);
    await cluster.serves(HTTP, [A, B, C]);
    const seen = await observed(async () => {
      await cluster.etcd.delete('/services/');
      await until('the guard holds', () => watcher.log.events('servers-held').length > 0);
      // A change that comes meanwhile is carried out, and moves none of those that are held.
      await put(D);
      await cluster.serves(HTTP, [A, B, C, D]);
      await putAll([A, B, C]);
      await until('nothing is held', () => watcher.log.events('servers-unheld').length > 0);
    });
    expect(seen).toEqual({ missing: new Set(), out: new Set() });
  });

  it('moves no server when etcd is replaced by an empty one', async () => {
    await using own = await RealCluster.start();
    await using watcher = RealWatcher.of(own, guarded);
    for (const address of [A, B, C]) await own.etcd.put(`/services/firmware/${address}`, '{}');
    await own.serves(HTTP, [A, B, C]);
    const before = await own.servers(HTTP);
    await own.etcd.container.replace();
    await until('the guard holds', () => watcher.log.events('servers-held').length > 0);
    expect(await own.servers(HTTP)).toEqual(before);
    for (const address of [A, B, C]) await own.etcd.put(`/services/firmware/${address}`, '{}');
    await until('nothing is held', () => watcher.log.events('servers-unheld').length > 0);
    expect(await own.servers(HTTP)).toEqual(before);
  });

  it('reads everything again after etcd was compacted during an outage', async () => {
    await using watcher = RealWatcher.of(cluster);
    await putAll([A, B]);
    await cluster.serves(HTTP, [A, B]);
    cluster.etcdProxy.refuse();
    await until('the outage is said', () => watcher.log.events('etcd-unavailable').length === 1);
    await remove(B);
    const revision = await put(C);
    await cluster.etcd.ctl('compact', String(revision));
    cluster.etcdProxy.heal();
    await cluster.serves(HTTP, [A, C]);
  });

  it('detects a half-open connection, and catches up', async () => {
    await using watcher = RealWatcher.of(cluster);
    await put(A);
    await cluster.serves(HTTP, [A]);
    cluster.etcdProxy.drop();
    await putAll([B, C]);
    await until('it is found out', () => watcher.log.events('etcd-unavailable').length > 0);
    cluster.etcdProxy.heal();
    await cluster.serves(HTTP, [A, B, C]);
  });

  it('detects that the watch is silent while etcd answers all other calls, and catches up', async () => {
    await using watcher = new RealWatcher({
      etcd: [cluster.etcdProxy.address],
      nginx: { gateway: cluster.gateway.api },
      stall: 1_000,
    });
    await putAll([A, B]);
    await cluster.serves(HTTP, [A, B]);
    // What is open falls silent, which the watch is; new connections pass.
    cluster.etcdProxy.freezeOpen();
    await Promise.all([remove(B), put(C)]);
    await cluster.serves(HTTP, [A, C]);
    // NGINX shows it before the watcher has its answer.
    await until('the removal is said', () => watcher.log.events('server-removed').length > 0);
    expect(watcher.log.events('server-removed')).toMatchObject([{ fields: { address: B } }]);
  });

  it('moves no server while etcd is down for long and returns unchanged', {
    timeout: 120_000 + OUTAGE,
  }, async () => {
    await using watcher = RealWatcher.of(cluster, guarded);
    await putAll([A, B, C]);
    await cluster.serves(HTTP, [A, B, C]);
    const seen = await observed(async () => {
      await cluster.etcd.container.kill();
      await until('the outage is said', () => watcher.log.events('etcd-unavailable').length > 0);
      // How long etcd is away is what is tested.
      await delay(OUTAGE);
      await cluster.etcd.container.start();
      await until('etcd is back', () => watcher.log.events('etcd-connected').length > 1);
    });
    expect(seen).toEqual({ missing: new Set(), out: new Set() });
    await put('127.0.0.1:9099');
    await cluster.serves(HTTP, [A, B, C, '127.0.0.1:9099']);
  });

  it('catches up after etcd was frozen', async () => {
    await using watcher = RealWatcher.of(cluster);
    await put(A);
    await cluster.serves(HTTP, [A]);
    await cluster.etcd.container.pause();
    await until('it is found out', () => watcher.log.events('etcd-unavailable').length > 0);
    await cluster.etcd.container.unpause();
    await put(B);
    await cluster.serves(HTTP, [A, B]);
  });
});

describe('the watcher, when NGINX fails', () => {
  it('leaves every server once after a reload in the middle of a burst', async () => {
    await using watcher = RealWatcher.of(cluster);
    await put(A);
    await cluster.serves(HTTP, [A]);
    const burst = putAll(MANY);
    for (let i = 0; i < 3; i++) {
      const before = await generation();
      await cluster.gateway.container.exec(['nginx', '-s', 'reload']);
      await until('it is reloaded', async () => ![before, undefined].includes(await generation()));
    }
    await burst;
    await cluster.serves(HTTP, MANY);
    await Promise.all(MANY.slice(1).map((address) => remove(address)));
    await cluster.gateway.container.exec(['nginx', '-s', 'reload']);
    await cluster.serves(HTTP, [A]);
    expect(watcher.log.events('worker-failed')).toEqual([]);
  });

  it('completes its changes although every answer of the API takes 5 s', async () => {
    const { front, watcher } = await fronted(15_000);
    await put(A);
    await cluster.serves(HTTP, [A]);
    front.treat = () => ({ wait: 5_000 });
    await put(B);
    await cluster.serves(HTTP, [A, B]);
    expect(watcher.log.events('nginx-unavailable')).toEqual([]);
  });

  it('leaves each server once after a time in which every answer took too long', async () => {
    const { front, watcher } = await fronted();
    await put(A);
    await cluster.serves(HTTP, [A]);
    front.treat = (method) => (method === 'POST' ? { wait: 6_000 } : undefined);
    await putAll([B, C]);
    await until('the calls have timed out', () => watcher.log.events('server-failed').length >= 2);
    // The calls that timed out take effect after all, behind the watcher's back.
    front.treat = () => undefined;
    await until('the late calls have taken effect', () => front.late === 0);
    await cluster.serves(HTTP, [A, B, C]);
  });

  it('repeats a call while NGINX answers 503', async () => {
    const { front, watcher } = await fronted();
    await put(A);
    await cluster.serves(HTTP, [A]);
    front.treat = () => ({ status: 503 });
    await putAll([B, C]);
    await until('the outage is said', () => watcher.log.events('nginx-unavailable').length === 1);
    front.treat = () => undefined;
    await cluster.serves(HTTP, [A, B, C]);
    expect(watcher.log.events('nginx-unavailable')).toHaveLength(1);
  });

  it('reports that it is denied access, and continues once it is not', async () => {
    const { front, watcher } = await fronted(5_000, () => ({ status: 401 }));
    await put(A);
    await until('that is said', () => watcher.log.events('nginx-refused').length > 0);
    front.treat = () => undefined;
    await cluster.serves(HTTP, [A]);
  });

  it('reports that the list of groups of one kind, or a group, cannot be read, and continues with the rest', async () => {
    const { front, watcher } = await fronted(5_000, (_, path) =>
      path.includes('/stream/upstreams/?') ? { status: 500 } : undefined,
    );
    await put(A);
    await until('the list is missed', () => watcher.log.events('upstream-list-unreadable').length > 0);
    await cluster.serves(HTTP, [A]);
    front.treat = (method, path) =>
      method === 'GET' && path.includes('/http/upstreams/firmware') ? { status: 500 } : undefined;
    await put(B);
    await put(C, '{}', 'mqtt');
    await until('the group is missed', () => watcher.log.events('upstream-unreadable').length > 0);
    await cluster.serves(STREAM, [C]);
    front.treat = () => undefined;
    await cluster.serves(HTTP, [A, B]);
  });

  it('lets the last server of a group stay until its successor serves', async () => {
    const { front, watcher } = await fronted();
    await put(A);
    await cluster.serves(HTTP, [A]);
    front.treat = (method) => (method === 'POST' ? { status: 500 } : undefined);
    await put(B);
    await remove(A);
    await until('that is said', () => watcher.log.events('drain-deferred').length > 0);
    await cluster.serves(HTTP, [A]);
    front.treat = () => undefined;
    await cluster.serves(HTTP, [B]);
  });

  it('sends no change twice while half of the answers are lost', async () => {
    const { front } = await fronted();
    let calls = 0;
    front.treat = (method) => (method !== 'GET' && calls++ % 2 === 0 ? 'lose-answer' : undefined);
    const some = MANY.slice(0, 20);
    await putAll(some);
    await cluster.serves(HTTP, some);
    await Promise.all(some.slice(10).map((address) => remove(address)));
    await cluster.serves(HTTP, some.slice(0, 10));
  });

  it('reconnects after its API connections became half-open', async () => {
    await using watcher = RealWatcher.of(cluster);
    await put(A);
    await cluster.serves(HTTP, [A]);
    cluster.apiProxy.drop();
    await put(B);
    await until('it is found out', () => watcher.log.events('nginx-unavailable').length > 0);
    cluster.apiProxy.heal();
    await cluster.serves(HTTP, [A, B]);
  });
});

describe('two watchers', () => {
  it('one NGINX has every server once', async () => {
    await using _first = RealWatcher.of(cluster);
    await using _second = RealWatcher.of(cluster, { id: 'lb2' });
    for (let round = 0; round < 3; round++) {
      await putAll(MANY);
      await cluster.serves(HTTP, MANY);
      await Promise.all(MANY.slice(1).map((address) => remove(address)));
      await cluster.serves(HTTP, [A]);
    }
  });

  it('each watcher acknowledges a drain request', async () => {
    await using _first = RealWatcher.of(cluster);
    await using _second = RealWatcher.of(cluster, { id: 'lb2' });
    await put(A, '{}', 'mqtt');
    await put(B, '{}', 'mqtt');
    await cluster.serves(STREAM, [A, B]);
    await put(B, '{"drain":true}', 'mqtt');
    const answers = await until('both answers', async () => {
      const found = await cluster.etcd.list(`${OPTIONS.prefixes.control}drained/`);
      return found.size === 2 && found;
    });
    expect([...answers.keys()].sort()).toEqual(
      ['lb1', 'lb2'].map((id) => `/sidekick/drained/mqtt/${B}/${id}`),
    );
  });
});
