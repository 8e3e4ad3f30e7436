/** Statistics of samples. Pure. */

/** A statistic over a whole run, and its lowest and highest value in any one round. */
export interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A number made of samples, of which there is at least one. */
export type Statistic = (samples: readonly number[]) => number;

/** The smallest sample that at least this share (above 0, at most 1) of the samples do not exceed: the nearest-rank quantile. */
export function quantile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

/** The middle sample; of an even number of samples the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  if (samples.length === 0) throw new RangeError('no samples');
  const sorted = [...samples].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] as number;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] as number;
  return (lower + upper) / 2;
}

export function p99(samples: readonly number[]): number {
  return quantile(samples, 0.99);
}

export function largest(samples: readonly number[]): number {
  return quantile(samples, 1);
}

/** The statistic over the samples of all rounds together, and its range over the rounds. Rounds without samples do not count. */
export function figureOf(rounds: readonly (readonly number[])[], statistic: Statistic): Figure {
  const each = rounds.filter((samples) => samples.length > 0).map(statistic);
  return { value: statistic(rounds.flat()), low: Math.min(...each), high: Math.max(...each) };
}

/** The median of rounds with one sample each, and their range. */
export function medianOf(samples: readonly number[]): Figure {
  return figureOf(
    samples.map((sample) => [sample]),
    median,
  );
}
