/** What a change costs as the groups grow. */
import { floor, sidekick } from '../contenders/index.js';
import { Lab } from '../lab/lab.js';
import { type Layout, nameOf } from '../lab/layout.js';
import { Watching } from '../lab/watching.js';
import { type Part, type PartResult, roundsOf } from '../part.js';
import type { Series } from '../report/report.js';
import { figureOf, median, medianOf, p99 } from '../stats.js';
import { type Rounds, takeTurns } from '../turns.js';
import { cpuRow, latencyRow, makeChanges, type Paces } from './paces.js';

const GROUPS = [1, 20];
const SIZES = [10, 100, 1_000, 10_000];
const QUICK_SIZES = [10, 100];
/** Those that targets are set for, and the others. */
const ROUNDS = { judged: 5, shown: 2 };
/** In the sizes of which all rows are shown, and in those that are points of the plot. */
const CHANGES = { shown: 20, plotted: 10 };
const QUICK_CHANGES = 2;

/** A thousand servers and ten thousand, as fleets have them. */
function isShown({ groups, servers }: Layout): boolean {
  return servers === 10_000 || (servers === 1_000 && groups === 1);
}

function changesIn(layout: Layout, quick: boolean): number {
  if (quick) return QUICK_CHANGES;
  return isShown(layout) ? CHANGES.shown : CHANGES.plotted;
}

/** Whether targets are set for it. */
function isJudged({ groups, servers }: Layout): boolean {
  return groups === 1 && servers === 10_000;
}

interface Measured {
  readonly layout: Layout;
  readonly turns: Rounds<Paces>;
}

function rowsOf({ layout, turns }: Measured): PartResult['rows'] {
  const where = nameOf(layout);
  const headline = isJudged(layout);
  const [target, cpuTarget] = headline ? [{ timesFloor: 1.5 }, { timesFloor: 2 }] : [{}, {}];
  const middle = { where, statistic: median, target, headline };
  const cpu = cpuRow(turns, { where, target: cpuTarget, headline });
  const [lone, dense] = [latencyRow(turns, 'lone', middle), latencyRow(turns, 'dense', middle)];
  if (!isShown(layout)) return [lone, dense, cpu];
  const tail = { where, statistic: p99 };
  return [lone, latencyRow(turns, 'lone', tail), dense, latencyRow(turns, 'dense', tail), cpu];
}

/** The curves of one contender and one number of groups. */
function seriesOf(
  measured: readonly Measured[],
  groups: number,
  contender: 'floor' | 'sidekick',
): readonly Series[] {
  const mine = measured.filter(({ layout }) => layout.groups === groups);
  const resultsAt = ({ turns }: Measured) => turns.get(contender) ?? [];
  const name = groups === 1 ? 'one group' : `${groups} groups`;
  const latencies = mine.map(
    (each) =>
      figureOf(
        resultsAt(each).map(({ lone }) => lone),
        median,
      ).value,
  );
  const cpu = mine.map((each) => medianOf(resultsAt(each).map((paces) => paces.cpu)).value);
  const points = (values: readonly number[]) =>
    mine.map(({ layout }, nth) => [layout.servers, values[nth] ?? Number.NaN] as const);
  return [
    { plot: 'latency', name, contender, points: points(latencies) },
    { plot: 'cpu', name, contender, points: points(cpu) },
  ];
}

export const growth: Part = {
  name: 'growth',
  title: 'A change as the groups grow',
  async run(bench) {
    await using lab = await Lab.start();
    const sizes = bench.quick ? QUICK_SIZES : SIZES;
    const layouts = GROUPS.flatMap((groups) =>
      sizes.filter((servers) => servers >= groups).map((servers) => ({ groups, servers })),
    );
    const measured: Measured[] = [];
    for (const layout of layouts) {
      await lab.register(layout);
      const turns = await takeTurns(
        bench,
        {
          rounds: roundsOf(bench, isJudged(layout) ? ROUNDS.judged : ROUNDS.shown),
          what: nameOf(layout),
          contenders: [floor, sidekick],
        },
        async (contender) => {
          await using watching = await Watching.start(lab, layout, contender);
          return await makeChanges(watching, changesIn(layout, bench.quick));
        },
      );
      measured.push({ layout, turns });
    }
    return {
      rows: measured.flatMap(rowsOf),
      series: GROUPS.flatMap((groups) => [
        ...seriesOf(measured, groups, 'floor'),
        ...seriesOf(measured, groups, 'sidekick'),
      ]),
    };
  },
};
