import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, type Host, startCluster } from '../../support/containers/cluster.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { expectNoLoss } from '../../support/traffic/expectations.js';
import { createHttpLoad, type HttpLoad } from '../../support/traffic/http-load.js';
import { createMqttLoad, type MqttLoad } from '../../support/traffic/mqtt-load.js';

/** Each round replaces every backend by a new one. */
const ROUNDS = Number(process.env.ROLLING_ROUNDS ?? 1);
const REQUESTS_PER_SECOND = 60;
const DEVICES = 60;

let network: TestNetwork;
let cluster: Cluster;
let http: HttpLoad;
let mqtt: MqttLoad;

beforeAll(async () => {
  network = await startNetwork();
  cluster = await startCluster(network, { streamDrain: '5s' });
  await Promise.all([1, 2, 3].flatMap(() => [cluster.addFirmware(), cluster.addBroker()]));
  await has('http', hostsOf('firmware'));
  await has('stream', hostsOf('broker'));
  http = createHttpLoad(cluster.gateway.httpUrl, REQUESTS_PER_SECOND, expectNoLoss());
  mqtt = createMqttLoad(cluster.gateway.mqttPort, expectNoLoss());
  await mqtt.add(DEVICES);
  http.start();
});
afterAll(() => network?.remove());

const gone = new Set<string>();

function hostsOf(kind: 'firmware' | 'broker'): Host[] {
  return [...cluster.hosts.values()].filter(({ name }) => name.startsWith(kind) && !gone.has(name));
}

function has(kind: 'http' | 'stream', hosts: readonly Host[]): Promise<unknown> {
  const wanted = hosts.map(({ name }) => name).sort((a, b) => a.localeCompare(b));
  return until(`NGINX has ${wanted.join(', ')}`, async () => {
    return JSON.stringify(await cluster.serverNames(kind)) === JSON.stringify(wanted);
  });
}

/** Ends a host as an operator does: its sidekick first, and the backend when the sidekick says it is out. */
async function retire(host: Host): Promise<void> {
  const exited = host.sidekick.container.exited();
  await host.sidekick.container.signal('SIGTERM');
  expect(await exited).toBe(0);
  // What is still open there was open before the drain: it lives until its drain time is over, and is then moved by hand.
  const devices = mqtt.on(host.name);
  await mqtt.roundTrip(devices);
  for (const device of devices) {
    await device.leave();
    await device.connect();
  }
  await host.backend.container.stop();
  gone.add(host.name);
}

describe(`a rolling replacement of every backend and broker under load, ${ROUNDS} times`, () => {
  it('fails no request, and cuts no session before its drain time is over', {
    timeout: 3_600_000,
  }, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const firmwares = hostsOf('firmware');
      const brokers = hostsOf('broker');
      for (const [i, firmware] of firmwares.entries()) {
        const broker = brokers[i];
        if (!broker) throw new Error('as many brokers as firmware servers');
        await Promise.all([cluster.addFirmware(), cluster.addBroker()]);
        await has('http', hostsOf('firmware'));
        await has('stream', hostsOf('broker'));
        await Promise.all([retire(firmware), retire(broker)]);
        await has('http', hostsOf('firmware'));
        await has('stream', hostsOf('broker'));
      }
    }
    await mqtt.roundTrip();
    await http.stop();
    await mqtt.stop();
    const { requests, failures } = http.counts;
    const { cut, lost, refusals, sessions } = mqtt.counts;
    expect(Object.fromEntries(failures)).toEqual({});
    expect({ cut, lost, refusals }).toEqual({ cut: 0, lost: 0, refusals: 0 });
    expect(requests).toBeGreaterThan(500 * ROUNDS);
    expect(sessions).toBeGreaterThan(DEVICES);
    process.stdout.write(`rolling: ${requests} requests, ${sessions} sessions, none failed and none cut\n`);
  });
});
