/** Ten thousand servers: a quiet minute, and what memory does while servers come and go. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import { type Contender, type ContenderName, floor, type Running, sidekick } from '../contenders/index.js';
import { bringInSync } from '../lab/in-sync.js';
import { Lab } from '../lab/lab.js';
import { type Instance, instanceOf, instancesOf } from '../lab/layout.js';
import type { Registry } from '../lab/registry.js';
import { type Part, type PartResult, secondsOf } from '../part.js';
import { rowOf } from '../rows.js';
import type { Rounds } from '../turns.js';

const LAYOUT = { groups: 1, servers: 10_000 };
const QUICK_LAYOUT = { groups: 1, servers: 100 };
/** The start is not the steady state, in s. */
const SETTLE = 10;
const QUIET = 60;
const CHURN = 60;
/** In each second of churn, so many servers get another weight, and so many come that go 20 seconds later. */
const CHURN_RATE = { weights: 100, comes: 25 };
const STAY = 20;

interface Steady {
  /** CPU time by the time that passed, in %. */
  readonly cpu: number;
  /** Requests to NGINX in a minute. */
  readonly requests: number;
  /** Bytes, after the quiet minute and after the churn. */
  readonly rss: number;
  readonly rssAfterChurn: number;
  /** As `cpu`, during the churn. */
  readonly cpuInChurn: number;
}

async function requestsTo({ nginx }: Lab): Promise<number> {
  const { requests } = await nginx.report();
  return Object.values(requests).reduce((sum, made) => sum + made, 0);
}

/** The CPU time that a contender takes while something is done, by the time that passes, in %. */
async function cpuDuring(running: Running, work: () => Promise<void>): Promise<number> {
  const [cpuBefore, began] = [await running.cpu(), now()];
  await work();
  return (100 * ((await running.cpu()) - cpuBefore)) / (now() - began);
}

async function quiet(
  lab: Lab,
  running: Running,
  seconds: number,
): Promise<Pick<Steady, 'cpu' | 'requests' | 'rss'>> {
  const requestsBefore = await requestsTo(lab);
  const cpu = await cpuDuring(running, () => delay(seconds * 1_000));
  const requests = ((await requestsTo(lab)) - requestsBefore) * (60 / seconds);
  return { cpu, requests, rss: await running.rss() };
}

/** Servers come, go and get other weights, for so many seconds; in the end there are as many as before. */
async function churn(registry: Registry, base: readonly Instance[], seconds: number): Promise<void> {
  const began = now();
  const comers = (second: number) =>
    Array.from({ length: CHURN_RATE.comes }, (_, nth) =>
      instanceOf(LAYOUT, LAYOUT.servers + second * CHURN_RATE.comes + nth),
    );
  for (let second = 0; second < seconds; second++) {
    const from = (second * CHURN_RATE.weights) % base.length;
    await registry.putAll(base.slice(from, from + CHURN_RATE.weights), `{"weight":${2 + (second % 7)}}`);
    await registry.putAll(comers(second));
    if (second >= STAY) await registry.deleteAll(comers(second - STAY));
    await delay(began + (second + 1) * 1_000 - now());
  }
  for (let second = Math.max(0, seconds - STAY); second < seconds; second++) {
    await registry.deleteAll(comers(second));
  }
}

export const steady: Part = {
  name: 'steady',
  title: 'Ten thousand servers in one group, and nothing happens; then servers come and go',
  async run(bench) {
    const layout = bench.quick ? QUICK_LAYOUT : LAYOUT;
    const base = instancesOf(layout);
    const [settle, quietTime, churnTime] = [SETTLE, QUIET, CHURN].map((own) => secondsOf(bench, own)) as [
      number,
      number,
      number,
    ];

    async function measure(contender: Contender): Promise<Steady> {
      await using lab = await Lab.start();
      await lab.register(layout);
      const { running } = await bringInSync(lab, layout, contender);
      try {
        await delay(settle * 1_000);
        const inQuiet = await quiet(lab, running, quietTime);
        const cpuInChurn = await cpuDuring(running, () => churn(lab.registry, base, churnTime));
        await delay(settle * 1_000);
        return { ...inQuiet, cpuInChurn, rssAfterChurn: await running.rss() };
      } finally {
        await running.stop();
      }
    }

    // Both at a time: what is measured is their own CPU time and memory, which does not depend on what the other does.
    bench.say(`the floor and sidekick at a time, ${settle + quietTime + churnTime + settle} s`);
    const [floorSteady, sidekickSteady] = await Promise.all([measure(floor), measure(sidekick)]);
    const turns: Rounds<Steady> = new Map<ContenderName, Steady[]>([
      ['floor', [floorSteady]],
      ['sidekick', [sidekickSteady]],
    ]);
    const name = `${layout.servers.toLocaleString('en-US')} servers, quiet`;
    const rows: PartResult['rows'] = [
      rowOf(turns, { work: `${name}: CPU`, unit: '%', target: { atMost: 2 }, headline: true }, ({ cpu }) => [
        cpu,
      ]),
      rowOf(
        turns,
        { work: `${name}: memory`, unit: 'MB', target: { atMost: 150 }, headline: true },
        ({ rss }) => [rss / 1e6],
      ),
      rowOf(turns, { work: `${name}: requests to NGINX in a minute`, unit: '' }, ({ requests }) => [
        requests,
      ]),
      rowOf(turns, { work: `${churnTime} s of churn: CPU`, unit: '%' }, ({ cpuInChurn }) => [cpuInChurn]),
      rowOf(
        turns,
        { work: `memory after ${churnTime} s of churn`, unit: 'MB', target: { atMost: 150 }, headline: true },
        ({ rssAfterChurn }) => [rssAfterChurn / 1e6],
      ),
    ];
    return { rows };
  },
};
