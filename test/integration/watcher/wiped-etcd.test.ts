import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WatcherStatus } from '../../../src/daemon/watcher/status.js';
import { type Cluster, startCluster } from '../../support/containers/cluster.js';
import { keepLooking, startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { expectNoLoss } from '../../support/traffic/expectations.js';
import { createHttpLoad, type HttpLoad } from '../../support/traffic/http-load.js';
import { createMqttLoad, type MqttLoad } from '../../support/traffic/mqtt-load.js';

/** The default, in ms: a lost registration is back within it. */
const LEASE_TTL = 15_000;
const KINDS = ['http', 'stream'] as const;
const HOSTS = [1, 2, 3];

let network: TestNetwork;
let cluster: Cluster;
let http: HttpLoad;
let mqtt: MqttLoad;

beforeAll(async () => {
  network = await startNetwork();
  cluster = await startCluster(network, { leaseTtl: `${LEASE_TTL}ms` });
  await Promise.all(HOSTS.flatMap(() => [cluster.addFirmware(), cluster.addBroker()]));
  await until('every backend serves', async () => {
    const groups = await Promise.all(KINDS.map((kind) => cluster.serverNames(kind)));
    return groups.flat().length === cluster.hosts.size;
  });
  http = createHttpLoad(cluster.gateway.httpUrl, 60, expectNoLoss());
  mqtt = createMqttLoad(cluster.gateway.mqttPort, expectNoLoss());
  await mqtt.add(60);
  http.start();
});
afterAll(() => network?.remove());

/** What NGINX has, ids included: a server that left and came back shows. */
function servers(): Promise<unknown> {
  const of = (kind: (typeof KINDS)[number]) =>
    cluster.gateway.servers(kind, kind === 'http' ? 'firmware' : 'mqtt');
  return Promise.all(KINDS.map(of));
}

/** Every state of NGINX that differs from that of the beginning, until aborted. */
async function differences(signal: AbortSignal): Promise<unknown[]> {
  const before = JSON.stringify(await servers());
  const found: unknown[] = [];
  await keepLooking(async () => {
    const now = await servers();
    if (JSON.stringify(now) !== before) found.push(now);
  }, signal);
  return found;
}

/** How many servers the guard holds, as an operator is told. */
async function held(): Promise<number> {
  const { stdout } = await cluster.watcher.container.exec([
    'node',
    '/opt/sidekick/dist/main.js',
    'status',
    '--local',
    '--json',
  ]);
  const { nginx } = JSON.parse(stdout) as WatcherStatus;
  return nginx.flatMap(({ upstreams }) => upstreams.flatMap((upstream) => upstream.held)).length;
}

/** Resolves once every sidekick is registered again, and the watcher is known again, with how long that took in ms. */
async function allAreBack(): Promise<number> {
  const begun = performance.now();
  await until('every sidekick and the watcher are back', async () => {
    const registered = await cluster.etcd.list('/services/');
    const watchers = await cluster.etcd.list('/sidekick/watchers/');
    return registered.size === cluster.hosts.size && watchers.size === 1;
  });
  return performance.now() - begun;
}

describe('an etcd with sidekicks on it, under load', () => {
  it.each([
    ['loses every key', () => cluster.etcd.delete('/')],
    ['is replaced by an empty one of another cluster', () => cluster.etcd.container.replace()],
  ] as const)(
    'moves no server when it %s, and has all registrations back within a TTL',
    async (what, wipe) => {
      const over = new AbortController();
      const differing = differences(over.signal);
      // A test that fails must not leave it running: the cluster goes away.
      using _ = { [Symbol.dispose]: () => over.abort() };
      await wipe();
      const took = await allAreBack();
      await until('nothing is held', async () => (await held()) === 0);
      await mqtt.roundTrip();
      over.abort();
      expect(await differing).toEqual([]);
      expect(took).toBeLessThan(LEASE_TTL);
      process.stdout.write(`etcd that ${what}: all back after ${Math.round(took)} ms\n`);
      // The watcher follows what etcd is now.
      const { name } = await cluster.addFirmware();
      await until('a new one serves', async () => (await cluster.serverNames('http')).includes(name));
    },
  );

  it('costs no request and no session when it is wiped, because the guard holds the servers', async () => {
    const holding = cluster.watcher.events().filter(({ event }) => event === 'servers-held');
    expect(new Set(holding.map(({ upstream }) => upstream))).toEqual(new Set(['firmware', 'mqtt']));
    await http.stop();
    await mqtt.stop();
    const { cut, lost, refusals, sessions } = mqtt.counts;
    expect(Object.fromEntries(http.counts.failures)).toEqual({});
    expect({ cut, lost, refusals }).toEqual({ cut: 0, lost: 0, refusals: 0 });
    expect(sessions).toBe(mqtt.devices.length);
    process.stdout.write(
      `wiped etcd: ${http.counts.requests} requests and ${sessions} sessions, none failed, none cut\n`,
    );
  });
});
