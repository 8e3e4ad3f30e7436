/** What a part of the benchmark is given, and what it gives. */
import type { Row, Series } from './report/report.js';

export interface Bench {
  /** Rounds that were asked for. */
  readonly rounds: number | undefined;
  /** The length of what takes its time that was asked for, in s. */
  readonly seconds: number | undefined;
  /** Everything as short as it can be: it shows that the benchmark works, and no number means anything. */
  readonly quick: boolean;
  /** Says what is being done. */
  readonly say: (message: string) => void;
}

export interface Part {
  /** As `--only` names it. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<PartResult>;
}

export interface PartResult {
  readonly rows: readonly Row[];
  /** Curves for the plot. */
  readonly series?: readonly Series[];
  /** What another program printed. */
  readonly output?: string;
}

/** The rounds of a part: what was asked for, or one where it shall be quick, or the part's own. */
export function roundsOf({ rounds, quick }: Bench, own: number): number {
  return rounds ?? (quick ? 1 : own);
}

/** The same for a time, in s. */
export function secondsOf({ seconds, quick }: Bench, own: number): number {
  return seconds ?? (quick ? 1 : own);
}
