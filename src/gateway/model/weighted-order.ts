/** Smooth weighted round robin, computed in advance as one full round. */
import type { Step } from './steps.js';
import * as steps from './steps.js';

/** A longer round is shortened by scaling the weights, with a rounding error below 1 in 8192. */
const MAX_ROUND = 8192;
/** Entries per step: some hundred microseconds in njs. */
const STEP_SIZE = 512;
/** A position in the round is a fraction in units of 1 / PARTS, combined with an index below INDEXES; both fit into a double. */
const PARTS = 68719476736;
const INDEXES = 16384;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/**
 * Appends one round to `rows`, as indexes into `weights`. Each index occurs in proportion to its weight, at least once, and
 * its occurrences are spread evenly: the k-th is at (k + offset) / share of the round. Offsets differ, so that servers of
 * equal weight alternate.
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
      // Without places, equal weights keep their order.
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
