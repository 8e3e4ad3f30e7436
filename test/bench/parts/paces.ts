/** Changes at two paces, and the rows that they give. */
import type { Watching } from '../lab/watching.js';
import type { Row, Target } from '../report/report.js';
import { rowOf } from '../rows.js';
import { p99, type Statistic } from '../stats.js';
import type { Rounds } from '../turns.js';

const SPACING = { lone: 400, dense: 50 } as const;

type PaceName = keyof typeof SPACING;

/** What each pace is called in a row. */
const PACES: Readonly<Record<PaceName, string>> = {
  lone: `lone changes, ${SPACING.lone} ms apart`,
  dense: `${1000 / SPACING.dense} changes a second`,
};

/** What the changes of one turn took. */
export interface Paces {
  readonly lone: readonly number[];
  readonly dense: readonly number[];
  /** CPU time for a lone change, ms. */
  readonly cpu: number;
}

/** Makes so many changes at each pace. */
export async function makeChanges(watching: Watching, changes: number): Promise<Paces> {
  const lone = await watching.makeChanges({ changes, spacing: SPACING.lone });
  const dense = await watching.makeChanges({ changes, spacing: SPACING.dense });
  return { lone: lone.latencies, dense: dense.latencies, cpu: lone.cpu };
}

/** A row for the latency at a pace. */
export function latencyRow(
  turns: Rounds<Paces>,
  pace: PaceName,
  { where, statistic, ...row }: { where: string; statistic: Statistic; target?: Target; headline?: boolean },
): Row {
  const name = statistic === p99 ? 'p99' : 'p50';
  return rowOf(
    turns,
    { work: `${where}: ${PACES[pace]}, ${name}`, unit: 'ms', ...row },
    (each) => each[pace],
    statistic,
  );
}

/** A row for the CPU time of a lone change. */
export function cpuRow(
  turns: Rounds<Paces>,
  { where, ...row }: { where: string; target?: Target; headline?: boolean },
): Row {
  return rowOf(turns, { work: `${where}: CPU for a lone change`, unit: 'ms', ...row }, ({ cpu }) => [cpu]);
}
