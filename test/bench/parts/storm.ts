/** Changes of all kinds, many in one second, among ten thousand servers. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import { type Contender, sidekick } from '../contenders/index.js';
import { bringInSync } from '../lab/in-sync.js';
import { Lab } from '../lab/lab.js';
import { type Instance, instanceOf, type Layout, nameOf } from '../lab/layout.js';
import { type Part, roundsOf } from '../part.js';
import type { Row } from '../report/report.js';
import { rowOf } from '../rows.js';
import { takeTurns } from '../turns.js';

const LAYOUT = { groups: 20, servers: 10_000 };
const QUICK_LAYOUT = { groups: 20, servers: 200 };
const ROUNDS = 3;
/** The changes of a storm come in so many slices of a tenth of a second. */
const SLICES = 10;
/** Drains need a look at NGINX; how long everything may take, in ms. */
const TIMEOUT = 60_000;
const LOOK_EVERY = 100;
const SETTLE = 3_000;

interface Storm {
  /** From the first put until NGINX has everything and drains nothing any more, ms. */
  readonly took: number;
  /** CPU time of it, ms. */
  readonly cpu: number;
  readonly rss: number;
  readonly requests: number;
}

type Change = readonly [instance: Instance, value: string];

/** Half of the changes are other weights, a quarter new servers, a quarter drains. */
function stormOf(layout: Layout, changes: number): readonly Change[] {
  return Array.from({ length: changes }, (_, nth): Change => {
    if (nth % 4 < 2) return [instanceOf(layout, nth), '{"weight":2}'];
    if (nth % 4 === 2) return [instanceOf(layout, layout.servers + nth), '{"weight":1}'];
    return [instanceOf(layout, layout.servers - nth), '{"drain":true}'];
  });
}

async function requestsOf(lab: Lab): Promise<number> {
  const { GET: _looks, ...changes } = (await lab.nginx.report()).requests;
  return Object.values(changes).reduce((sum, made) => sum + made, 0);
}

/**
 * Resolves when NGINX has as many servers as before, none of them out of rotation, after at least the requests that
 * the storm needs: one for each change and one more for each drain.
 */
async function settled(lab: Lab, servers: number, requests: number): Promise<void> {
  const deadline = now() + TIMEOUT;
  while (now() < deadline) {
    const report = await lab.nginx.report();
    const isAsWanted = report.servers === servers && report.outOfRotation === 0;
    if (isAsWanted && (await requestsOf(lab)) >= requests) return;
    await delay(LOOK_EVERY);
  }
  throw new Error(`the storm had not settled after ${TIMEOUT} ms`);
}

async function strike(lab: Lab, layout: Layout, contender: Contender, changes: number): Promise<Storm> {
  const { running } = await bringInSync(lab, layout, contender);
  try {
    await delay(SETTLE);
    const [cpuBefore, requestsBefore, began] = [await running.cpu(), await requestsOf(lab), now()];
    const storm = stormOf(layout, changes);
    for (let slice = 0; slice < SLICES; slice++) {
      const part = storm.slice((slice * changes) / SLICES, ((slice + 1) * changes) / SLICES);
      await Promise.all(part.map(([instance, value]) => lab.registry.put(instance, value)));
      await delay(began + ((slice + 1) * 1_000) / SLICES - now());
    }
    await running.whileRunning(settled(lab, layout.servers, requestsBefore + changes + changes / 4));
    return {
      took: now() - began,
      cpu: (await running.cpu()) - cpuBefore,
      rss: await running.rss(),
      requests: (await requestsOf(lab)) - requestsBefore,
    };
  } finally {
    await running.stop();
  }
}

export const storm: Part = {
  name: 'storm',
  title: 'A storm of changes of all kinds within a second',
  async run(bench) {
    await using lab = await Lab.start();
    const layout = bench.quick ? QUICK_LAYOUT : LAYOUT;
    const changes = layout.servers / 10;
    const turns = await takeTurns(
      bench,
      { rounds: roundsOf(bench, ROUNDS), contenders: [sidekick] },
      async (contender) => {
        await lab.register(layout);
        return strike(lab, layout, contender, changes);
      },
    );
    const where = `${changes.toLocaleString('en-US')} changes in a second, ${nameOf(layout)}`;
    const rows: readonly Row[] = [
      rowOf(turns, { work: `${where}: settled`, unit: 'ms', headline: true }, ({ took }) => [took]),
      rowOf(turns, { work: `${where}: CPU`, unit: 'ms' }, ({ cpu }) => [cpu]),
      rowOf(turns, { work: `${where}: memory`, unit: 'MB' }, ({ rss }) => [rss / 1e6]),
      rowOf(turns, { work: `${where}: requests that change`, unit: '' }, ({ requests }) => [requests]),
    ];
    return { rows };
  },
};
