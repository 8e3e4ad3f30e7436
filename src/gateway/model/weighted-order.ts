/** Smooth weighted round robin, laid out in advance as one full turn. */
import type { Step } from './steps.js';
import * as steps from './steps.js';

/** A turn longer than this is shortened by scaling the weights, at the price of a rounding error below 1 in 8192. */
const MAX_ROUND = 8192;
/** What a step looks at: some hundred microseconds in njs. */
const STEP_SIZE = 512;
/** A place in a turn is a fraction of so many parts, and behind it an index below that: together they fit into a double. */
const PARTS = 68719476736;
const INDEXES = 16384;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/**
 * Lays out one turn as indexes into `weights`, at the end of `rows`. Each index comes up in proportion to its weight, at least
 * once, and its appearances are spread evenly: its k-th lies at (k + offset) / share of the turn, and offsets differ so
 * that servers of equal weight alternate instead of clustering.
 */
export function buildOrder(weights: number[], rows: number[]): Step {
  const shares: number[] = [];
  let divisor = 0;
  let total = 0;
  let length = 0;
  let places = new Float64Array(0);
  let used = 0;

  function measure(i: number): void {
    divisor = gcd(weights[i] as number, divisor);
    total += weights[i] as number;
  }

  function share(i: number): void {
    const scale = Math.max(divisor, total / Math.max(MAX_ROUND, weights.length));
    shares[i] = Math.max(1, Math.round((weights[i] as number) / scale));
    length += shares[i] as number;
  }

  function place(i: number): void {
    const count = shares[i] as number;
    for (let k = 0; k < count; k++)
      places[used++] = Math.floor(((k + i / weights.length) / count) * PARTS) * INDEXES + i;
  }

  return steps.sequence([
    () => steps.each(weights.length, STEP_SIZE, measure),
    () => steps.each(weights.length, STEP_SIZE, share),
    steps.once(() => {
      // Equal weights take turns in their order.
      if (length > weights.length) places = new Float64Array(length);
    }),
    () => steps.each(places.length === 0 ? 0 : weights.length, STEP_SIZE, place),
    steps.once(() => {
      places.sort();
    }),
    () =>
      steps.each(length, STEP_SIZE, (row) => {
        rows.push(places.length === 0 ? row : (places[row] as number) % INDEXES);
      }),
  ]);
}

/** One turn, laid out at once. */
export function weightedOrder(weights: number[]): number[] {
  const rows: number[] = [];
  steps.run(buildOrder(weights, rows));
  return rows;
}
