import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, type Host, startCluster } from '../../support/containers/cluster.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { expectNoLoss } from '../../support/traffic/expectations.js';
import { createHttpLoad, type HttpLoad } from '../../support/traffic/http-load.js';
import { createMqttLoad, type MqttLoad, nameBroker } from '../../support/traffic/mqtt-load.js';

/** Each round restarts every backend once, where it is. */
const ROUNDS = Number(process.env.ROLLING_ROUNDS ?? 1);
const HOSTS = [1, 2, 3];
const FIRMWARES = HOSTS.map((number) => `firmware-${number}`);
const BROKERS = HOSTS.map((number) => `broker-${number}`);
const REQUESTS_PER_SECOND = 60;
const DEVICES = 60;

let network: TestNetwork;
let cluster: Cluster;
let http: HttpLoad;
let mqtt: MqttLoad;
/** Sessions that outlived the drain time of their broker, and were then taken elsewhere by their device. */
let moved = 0;

beforeAll(async () => {
  network = await startNetwork();
  cluster = await startCluster(network, { fixedAddresses: true, streamDrain: '5s' });
  await Promise.all(HOSTS.flatMap(() => [cluster.addFirmware(), cluster.addBroker()]));
  await allServe();
  http = createHttpLoad(cluster.gateway.httpUrl, REQUESTS_PER_SECOND, expectNoLoss());
  mqtt = createMqttLoad(cluster.gateway.mqttPort, expectNoLoss());
  await mqtt.add(DEVICES);
  http.start();
});
afterAll(() => network?.remove());

async function allServe(): Promise<void> {
  for (const [kind, names] of [['http', FIRMWARES] as const, ['stream', BROKERS] as const]) {
    const wanted = names.join(', ');
    await until(`NGINX has ${wanted}`, async () => (await cluster.serverNames(kind)).join(', ') === wanted);
  }
}

/** Restarts a host's service as its units do: the sidekick ends first, and starts last. */
async function restart({ name, backend, sidekick }: Host): Promise<void> {
  const { address } = backend;
  const exited = sidekick.container.exited();
  await sidekick.container.signal('SIGTERM');
  expect(await exited).toBe(0);
  const devices = mqtt.on(name);
  await mqtt.roundTrip(devices);
  for (const device of devices) {
    await device.leave();
    await device.connect();
  }
  moved += devices.length;
  expect(await backend.container.stop()).toBe(0);
  await backend.container.start();
  if (backend.service === 'mqtt') await nameBroker(backend.container.port(backend.port), name);
  await sidekick.container.start();
  expect(backend.address).toBe(address);
}

describe(`a rolling restart of every backend and broker under load, ${ROUNDS} times`, () => {
  it('fails no request, and cuts no session before its drain time is over', {
    timeout: 3_600_000,
  }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      for (const number of HOSTS) {
        const hosts = [cluster.host(`firmware-${number}`), cluster.host(`broker-${number}`)];
        await Promise.all(hosts.map(restart));
        await allServe();
      }
    }
    await mqtt.roundTrip();
    await http.stop();
    await mqtt.stop();
    const { requests, failures, servedBy } = http.counts;
    const { cut, lost, refusals, sessions } = mqtt.counts;
    expect(Object.fromEntries(failures)).toEqual({});
    expect({ cut, lost, refusals }).toEqual({ cut: 0, lost: 0, refusals: 0 });
    expect(servedBy.size).toBe(HOSTS.length);
    expect(requests).toBeGreaterThan(500 * ROUNDS);
    expect(sessions).toBe(DEVICES + moved);
    expect(moved).toBeGreaterThan(0);
    process.stdout.write(
      `rolling restart: ${requests} requests, none failed; ${sessions} sessions, none cut, ${moved} moved after their drain time\n`,
    );
  });
});
