/** A registrar with many services on one host. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openStreams } from '../../support/registrar/open-streams.js';
import { now } from '../clock.js';
import { startSidekick } from '../contenders/index.js';
import { Listener } from '../host/listener.js';
import { KeyArrivals } from '../lab/key-arrivals.js';
import { Lab } from '../lab/lab.js';
import { type Part, secondsOf } from '../part.js';
import type { Row, Unit } from '../report/report.js';
import { medianOf } from '../stats.js';

const SERVICES = 500;
const QUICK_SERVICES = 5;
const SECONDS = 20;
/** The start is not the steady state, in ms. */
const SETTLE = 5_000;
const LOOK_EVERY = 250;

/** Most keep-alive streams that were open at a time, over so many seconds. */
async function mostStreams(lab: Lab, seconds: number): Promise<number> {
  const until = now() + seconds * 1_000;
  let most = 0;
  while (now() < until) {
    most = Math.max(most, await openStreams(lab.etcd, 'LeaseKeepAlive'));
    await delay(LOOK_EVERY);
  }
  return most;
}

async function leasesOf({ etcd }: Lab): Promise<number> {
  const listed = await etcd.ctl('lease', 'list');
  return listed.trim().split('\n').length - 1;
}

function row(work: string, unit: Unit, value: number): Row {
  return { work, unit, figures: { sidekick: medianOf([value]) } };
}

export const services: Part = {
  name: 'services',
  title: 'A registrar with many services',
  async run(bench) {
    const count = bench.quick ? QUICK_SERVICES : SERVICES;
    const seconds = secondsOf(bench, SECONDS);
    const directory = await mkdtemp(join(tmpdir(), 'sidekick-bench-'));
    try {
      await using lab = await Lab.start();
      await using listener = await Listener.start();
      await using arrivals = await KeyArrivals.start(lab.registry);
      const config = join(directory, 'register.json');
      const listed = Array.from({ length: count }, (_, nth) => ({
        service: `s${nth}`,
        address: listener.address,
      }));
      await writeFile(config, JSON.stringify({ etcd: { endpoints: [lab.etcd.url] }, services: listed }));
      bench.say(`${count} services, ${seconds} s`);
      const child = startSidekick(['register', '--config', config]);
      const took = (await child.whileRunning(arrivals.keys(count))) - child.startedAt;
      await delay(SETTLE);
      const [cpuBefore, began] = [await child.cpu(), now()];
      const streams = await mostStreams(lab, seconds);
      const cpu = (100 * ((await child.cpu()) - cpuBefore)) / (now() - began);
      const [rss, leases, stopping] = [await child.rss(), await leasesOf(lab), now()];
      await child.stop();
      const where = `${count} services`;
      return {
        rows: [
          row(`${where}: \`register\` start to all keys in etcd`, 'ms', took),
          row(`${where}: memory`, 'MB', rss / 1e6),
          row(`${where}: CPU, with a TCP probe of each every 5 s`, '%', cpu),
          row(`${where}: leases`, '', leases),
          row(`${where}: keep-alive streams at a time`, '', streams),
          row(`${where}: SIGTERM to the end, without a watcher`, 'ms', now() - stopping),
        ],
      };
    } finally {
      await rm(directory, { recursive: true });
    }
  },
};
