/** How long a new server of one service takes while another service has thousands of instances that answer nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { API_TOKEN_FILE } from '../../support/containers/gateway.js';
import {
  type Gateway,
  startEtcd,
  startGateway,
  startNetwork,
  until,
} from '../../support/containers/index.js';
import { now } from '../clock.js';
import { startSidekick } from '../contenders/index.js';
import type { Instance } from '../lab/layout.js';
import { Registry } from '../lab/registry.js';
import { type Part, roundsOf } from '../part.js';
import type { Row } from '../report/report.js';
import { figureOf, largest, median } from '../stats.js';

const INSTANCES = 9_000;
const QUICK_INSTANCES = 20;
const NEW_SERVERS = 10;
const LOOK_EVERY = 2;
const APART = 300;
/** Documentation addresses (RFC 5737): nobody is there to answer. */
const SILENT = '198.51.100.7';

const backend = (nth: number): Instance => ({ service: 'backend', address: `203.0.113.${nth}:80` });
const silent = (count: number): readonly Instance[] =>
  Array.from({ length: count }, (_, nth) => ({ service: 'firmware', address: `${SILENT}:${nth + 1}` }));

/** From the put of a new server until the gateway lists it, in ms; so many of them, one after the other. */
async function newServers(
  registry: Registry,
  gateway: Gateway,
  from: number,
  count: number,
): Promise<readonly number[]> {
  const took: number[] = [];
  for (let nth = from; nth < from + count; nth++) {
    const instance = backend(nth);
    const began = now();
    await registry.put(instance);
    while (!(await gateway.servers('http', 'backend')).some(({ server }) => server === instance.address)) {
      await delay(LOOK_EVERY);
    }
    took.push(now() - began);
    await delay(APART);
  }
  return took;
}

function rowsOf(when: string, took: readonly number[]): readonly Row[] {
  const figures = (statistic: typeof median) => ({ sidekick: figureOf([took], statistic) });
  return [
    { work: `a new server ${when}, p50`, unit: 'ms', figures: figures(median) },
    { work: `a new server ${when}, slowest`, unit: 'ms', figures: figures(largest) },
  ];
}

export const unreachable: Part = {
  name: 'unreachable',
  title: 'A new server in the gateway, while thousands of instances of another service answer nothing',
  async run(bench) {
    const count = bench.quick ? QUICK_INSTANCES : INSTANCES;
    const changes = roundsOf(bench, NEW_SERVERS);
    await using network = await startNetwork('sidekick-bench');
    const [etcd, gateway] = await Promise.all([startEtcd(network), startGateway(network)]);
    using registry = new Registry(etcd.url);
    const endpoints = ['--etcd-endpoints', etcd.url, '--nginx-api', gateway.api];
    const watcher = startSidekick(['watch', ...endpoints, '--nginx-token-file', API_TOKEN_FILE]);
    try {
      await registry.put(backend(1));
      await until(
        'the watcher is ready',
        async () => (await gateway.servers('http', 'backend')).length === 1,
      );
      bench.say('without them');
      const usually = await newServers(registry, gateway, 20, changes);
      bench.say(`while ${count} are registered`);
      const [during] = await Promise.all([
        newServers(registry, gateway, 60, changes),
        registry.putAll(silent(count)),
      ]);
      bench.say('while they are registered and answer nothing');
      const after = await newServers(registry, gateway, 100, changes);
      const crowd = `${count.toLocaleString('en-US')} silent instances`;
      return {
        rows: [
          ...rowsOf('without others', usually),
          ...rowsOf(`while ${crowd} are registered`, during),
          ...rowsOf(`beside ${crowd}`, after),
        ],
      };
    } finally {
      await watcher.stop();
    }
  },
};
