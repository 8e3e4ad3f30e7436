/** What a run of the benchmark found, as the JSON file has it. */
import type { ContenderName } from '../contenders/index.js';
import type { Figure } from '../stats.js';

export type Unit = 'ms' | 's' | 'MB' | '%' | '' | '/s';

/** What was promised of a row. */
export interface Target {
  /** Most that sidekick may have, by the floor's value. */
  readonly timesFloor?: number;
  /** Most that sidekick may have. */
  readonly atMost?: number;
  /** How many times the value of the shell loop has to be sidekick's, at least. */
  readonly shellTimes?: number;
}

export interface Row {
  /** What was done and what of it was measured; the same twice in no report. */
  readonly work: string;
  readonly unit: Unit;
  readonly figures: Readonly<Partial<Record<ContenderName, Figure>>>;
  readonly target?: Target;
  /** Whether it belongs to the short table of the README. */
  readonly headline?: boolean;
}

/** A curve: one value at each number of servers. */
export interface Series {
  readonly plot: 'latency' | 'cpu';
  readonly name: string;
  readonly contender: ContenderName;
  readonly points: readonly (readonly [servers: number, value: number])[];
}

export interface PartReport {
  readonly name: string;
  readonly title: string;
  readonly rows: readonly Row[];
  readonly series?: readonly Series[];
  readonly output?: string;
  /** Why the part broke off. */
  readonly error?: string;
}

export interface Report {
  /** ISO 8601. */
  readonly startedAt: string;
  /** How long the run took, in s. */
  readonly seconds: number;
  readonly quick: boolean;
  /** What it ran on, in one line. */
  readonly machine: string;
  readonly parts: readonly PartReport[];
}
