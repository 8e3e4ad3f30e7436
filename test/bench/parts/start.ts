/** A start with an empty NGINX: from the start of the process until NGINX has what is registered. */
import { type Contender, floor, sidekick } from '../contenders/index.js';
import { bringInSync } from '../lab/in-sync.js';
import { Lab } from '../lab/lab.js';
import { type Layout, nameOf } from '../lab/layout.js';
import { type Bench, type Part, roundsOf } from '../part.js';
import type { Row } from '../report/report.js';
import { rowOf } from '../rows.js';
import { takeTurns } from '../turns.js';

const LAYOUTS = [
  { groups: 1, servers: 10 },
  { groups: 1, servers: 10_000 },
  { groups: 20, servers: 10_000 },
];
const QUICK_LAYOUTS = [{ groups: 1, servers: 10 }];
const ROUNDS = 5;

interface Start {
  /** From the start of the process to the first request that adds, ms. */
  readonly first: number;
  /** The same to the last one. */
  readonly last: number;
  /** CPU time of it, ms. */
  readonly cpu: number;
  readonly connections: number;
}

async function startOnce(lab: Lab, layout: Layout, contender: Contender, most: number): Promise<Start> {
  const { running, arrived } = await bringInSync(lab, layout, contender, { connections: most });
  const cpu = await running.cpu();
  const { connections } = await lab.nginx.report();
  await running.stop();
  return {
    first: arrived.reduce((a, b) => Math.min(a, b)),
    last: arrived.reduce((a, b) => Math.max(a, b)),
    cpu,
    connections,
  };
}

async function startsOf(bench: Bench, lab: Lab, layout: Layout): Promise<readonly Row[]> {
  await lab.register(layout);
  // The floor gets as many connections as sidekick has used the turn before.
  let connections = 1;
  const turns = await takeTurns(
    bench,
    { rounds: roundsOf(bench, ROUNDS), what: nameOf(layout), contenders: [sidekick, floor] },
    async (contender) => {
      const result = await startOnce(lab, layout, contender, connections);
      connections = result.connections;
      return result;
    },
  );
  const where = nameOf(layout);
  const headline = layout.groups === 1;
  const target = { timesFloor: 1.5 };
  const first = `${where}: \`watch\` start to the first request`;
  return [
    rowOf(
      turns,
      { work: first, unit: 'ms', target: layout.servers === 10 ? target : {}, headline },
      (each) => [each.first],
    ),
    rowOf(
      turns,
      { work: `${where}: \`watch\` start to in sync`, unit: 'ms', target, headline },
      ({ last }) => [last],
    ),
    rowOf(turns, { work: `${where}: CPU until in sync`, unit: 'ms' }, ({ cpu }) => [cpu]),
    rowOf(turns, { work: `${where}: connections to NGINX`, unit: '' }, (each) => [each.connections]),
  ];
}

export const start: Part = {
  name: 'start',
  title: 'A start with an empty NGINX',
  async run(bench) {
    await using lab = await Lab.start();
    const rows: Row[] = [];
    for (const layout of bench.quick ? QUICK_LAYOUTS : LAYOUTS) {
      rows.push(...(await startsOf(bench, lab, layout)));
    }
    return { rows };
  },
};
