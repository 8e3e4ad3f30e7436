/** Ten thousand sidekicks on one etcd: what keeping their leases costs, and a restart of all of them. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import { containerCpu, containerMemory } from '../host/container-usage.js';
import { Fleet } from '../lab/fleet.js';
import { insist } from '../lab/insist.js';
import { Lab } from '../lab/lab.js';
import { instanceOf } from '../lab/layout.js';
import type { Registry } from '../lab/registry.js';
import { type Part, roundsOf, secondsOf } from '../part.js';
import type { Row, Unit } from '../report/report.js';
import { type Figure, figureOf, median, medianOf, p99 } from '../stats.js';

const SIZE = { sidekicks: 10_000, connections: 100 };
const QUICK_SIZE = { sidekicks: 50, connections: 5 };
const ROUNDS = 2;
const SECONDS = 20;
/** With jitter the restarts are spread over a second, as sidekick spreads them after the loss of a lease. */
const SPREADS = { 'at once': 0, 'spread over a second': 1_000 } as const;
/** How often another client writes while all restart, ms. */
const PUT_EVERY = 25;
/** Until the renewals have their own pace after a start, s. */
const SETTLE = 6;

interface Restart {
  /** Until all are registered again, ms. */
  readonly took: number;
  /** How long each registration took, ms. */
  readonly registrations: readonly number[];
  /** How long puts of another client took meanwhile, ms. */
  readonly puts: readonly number[];
  /** CPU time of etcd, ms. */
  readonly cpu: number;
  /** Changes that etcd refused, as it had too many waiting. */
  readonly refusals: number;
}

/** Writes all the time, until it is told to stop; `stop` resolves with how long each put took, in ms. */
function keepPutting(registry: Registry): { stop(): Promise<readonly number[]> } {
  const stopping = new AbortController();
  const instance = instanceOf({ groups: 1, servers: 0 }, 100_000);
  async function putAll(): Promise<readonly number[]> {
    const took: number[] = [];
    while (!stopping.signal.aborted) {
      const began = now();
      await insist(() => registry.put(instance));
      took.push(now() - began);
      await delay(PUT_EVERY);
    }
    return took;
  }
  const putting = putAll();
  return {
    stop() {
      stopping.abort();
      return putting;
    },
  };
}

async function restart(lab: Lab, fleet: Fleet, spread: number): Promise<Restart> {
  const { refusals: refusedBefore } = await fleet.report();
  const [cpuBefore, putting, began] = [
    await containerCpu(lab.etcd.container.id),
    keepPutting(lab.registry),
    now(),
  ];
  // The other client ends before its connection does, also where the restart fails.
  const restarted = fleet.restart(spread).then((report) => ({ ...report, took: now() - began }));
  await Promise.allSettled([restarted]);
  const puts = await putting.stop();
  const { registrations, refusals, took } = await restarted;
  const cpu = (await containerCpu(lab.etcd.container.id)) - cpuBefore;
  return { took, registrations, puts, cpu, refusals: refusals - refusedBefore };
}

function row(work: string, unit: Unit, figure: Figure, headline = false): Row {
  return { work, unit, figures: { sidekick: figure }, headline };
}

function restartRows(where: string, restarts: readonly Restart[]): readonly Row[] {
  return [
    row(`${where}: all registered again`, 'ms', medianOf(restarts.map(({ took }) => took)), true),
    row(
      `${where}: one registration, p99`,
      'ms',
      figureOf(
        restarts.map((each) => each.registrations),
        p99,
      ),
    ),
    row(
      `${where}: a put of another client, p50`,
      'ms',
      figureOf(
        restarts.map(({ puts }) => puts),
        median,
      ),
    ),
    row(
      `${where}: a put of another client, p99`,
      'ms',
      figureOf(
        restarts.map(({ puts }) => puts),
        p99,
      ),
    ),
    row(`${where}: etcd's CPU`, 'ms', medianOf(restarts.map(({ cpu }) => cpu))),
    row(`${where}: changes that etcd refused at first`, '', medianOf(restarts.map((each) => each.refusals))),
  ];
}

/** Leases kept for so many seconds, while nothing else happens. */
async function keepAlive(lab: Lab, fleet: Fleet, seconds: number, where: string): Promise<readonly Row[]> {
  const { id } = lab.etcd.container;
  const [before, cpuBefore, began] = [await fleet.report(), await containerCpu(id), now()];
  await delay(seconds * 1_000);
  const [after, cpu, passed] = [await fleet.report(), (await containerCpu(id)) - cpuBefore, now() - began];
  const renewals = (1_000 * (after.renewals - before.renewals)) / passed;
  return [
    row(`${where}: leases renewed`, '/s', medianOf([renewals]), true),
    row(`${where}: etcd's CPU`, '%', medianOf([(100 * cpu) / passed]), true),
    row(`${where}: etcd's memory`, 'MB', medianOf([(await containerMemory(id)) / 1e6])),
    row(`${where}: renewals that failed`, '', medianOf([after.failures - before.failures])),
  ];
}

export const fleet: Part = {
  name: 'fleet',
  title: 'Ten thousand simulated sidekicks on one etcd',
  async run(bench) {
    const { sidekicks, connections } = bench.quick ? QUICK_SIZE : SIZE;
    await using lab = await Lab.start();
    await using simulated = await Fleet.start(lab.etcd.url, sidekicks, connections);
    const where = `${sidekicks.toLocaleString('en-US')} sidekicks`;
    bench.say(`${where} register`);
    await simulated.restart(SPREADS['spread over a second']);
    const seconds = secondsOf(bench, SECONDS);
    bench.say(`they keep their leases, ${seconds} s`);
    await delay(secondsOf(bench, SETTLE) * 1_000);
    const rows = [...(await keepAlive(lab, simulated, seconds, where))];
    const restarts = new Map(Object.keys(SPREADS).map((how) => [how, [] as Restart[]]));
    const rounds = roundsOf(bench, ROUNDS);
    for (let round = 1; round <= rounds; round++) {
      for (const [how, spread] of Object.entries(SPREADS)) {
        bench.say(`all restart ${how}, round ${round} of ${rounds}`);
        restarts.get(how)?.push(await restart(lab, simulated, spread));
        await delay(secondsOf(bench, SETTLE) * 1_000);
      }
    }
    for (const [how, each] of restarts) rows.push(...restartRows(`${where} restart ${how}`, each));
    return { rows };
  },
};
