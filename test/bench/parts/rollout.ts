/** A rollout: from the write into etcd to the answer of every NGINX. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  API_TOKEN_FILE,
  type Etcd,
  type Gateway,
  startEtcd,
  startGateway,
  startNetwork,
} from '../../support/containers/index.js';
import { startSidekick } from '../contenders/index.js';
import { Firmware } from '../lab/firmware.js';
import { type Part, roundsOf } from '../part.js';
import type { Row } from '../report/report.js';
import { figureOf, median, p99, type Statistic } from '../stats.js';

const GATEWAYS = 2;
const ROUNDS = 3;
/** In each round, and each of them there and back: of all rounds together 300, of which p99 leaves out three. */
const PAIRS = 50;
const QUICK_PAIRS = 2;
/** Those that do not count: code that never ran is slower. */
const WARM_UP = 3;
/** Between rollouts, in ms: nobody makes them one after the other. */
const SPACING = 100;
/** What was promised, in ms. */
const TARGET = 1_000;

function watch(etcd: Etcd, gateway: Gateway): ReturnType<typeof startSidekick> {
  return startSidekick([
    ...['watch', '--id', gateway.container.name, '--etcd-endpoints', etcd.url, '--nginx-api', gateway.api],
    ...['--nginx-token-file', API_TOKEN_FILE, '--firmware-origin', 'https://ota.example.com'],
  ]);
}

async function takeTimes(firmware: Firmware, pairs: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    times.push(...(await firmware.rollOutBoth()));
    await delay(SPACING);
  }
  return times;
}

export const rollout: Part = {
  name: 'rollout',
  title: `A rollout of firmware: from the write into etcd to the answer of every NGINX, of ${GATEWAYS}`,
  async run(bench) {
    await using network = await startNetwork('sidekick-bench');
    const names = Array.from({ length: GATEWAYS }, (_, nth) => `gateway-${nth + 1}`);
    const [etcd, ...gateways] = await Promise.all([
      startEtcd(network),
      ...names.map((name) => startGateway(network, name)),
    ]);
    const watchers = gateways.map((gateway) => watch(etcd, gateway));
    try {
      await using firmware = await Firmware.start(etcd, gateways);
      await takeTimes(firmware, WARM_UP);
      const rounds: (readonly number[])[] = [];
      const count = roundsOf(bench, ROUNDS);
      while (rounds.length < count) {
        bench.say(`round ${rounds.length + 1} of ${count}`);
        rounds.push(await takeTimes(firmware, bench.quick ? QUICK_PAIRS : PAIRS));
      }
      const rowOf = (name: string, statistic: Statistic, more: Partial<Row> = {}): Row => ({
        work: `${GATEWAYS} gateways, each with its watcher: a rollout, ${name}`,
        unit: 'ms',
        figures: { sidekick: figureOf(rounds, statistic) },
        ...more,
      });
      return {
        rows: [rowOf('p50', median), rowOf('p99', p99, { target: { atMost: TARGET }, headline: true })],
      };
    } finally {
      for (const watcher of watchers) await watcher.stop();
    }
  },
};
