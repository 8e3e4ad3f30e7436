/** Rows out of what contenders achieved in their rounds. Pure. */
import type { Row } from './report/report.js';
import { type Figure, figureOf, median, type Statistic } from './stats.js';
import type { Rounds } from './turns.js';

/** A row with one figure a contender: a statistic of the samples that `samplesOf` finds in each round. */
export function rowOf<T>(
  rounds: Rounds<T>,
  row: Omit<Row, 'figures'>,
  samplesOf: (round: T) => readonly number[],
  statistic: Statistic = median,
): Row {
  const figures: Record<string, Figure> = {};
  for (const [name, results] of rounds) {
    const samples = results.map(samplesOf);
    if (samples.some((each) => each.length > 0)) figures[name] = figureOf(samples, statistic);
  }
  return { ...row, figures };
}
