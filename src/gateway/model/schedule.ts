/** Smooth weighted round robin, laid out in advance as one full turn. */

/** A turn longer than this is shortened by scaling the weights, at the price of a rounding error below 1 in 8192. */
const MAX_TURN = 8192;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** How often each comes up in one turn: its weight in lowest terms, at least once. */
function shares(weights: number[]): number[] {
  let divisor = 0;
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    divisor = gcd(weights[i] as number, divisor);
    total += weights[i] as number;
  }
  const scale = Math.max(divisor, total / Math.max(MAX_TURN, weights.length));
  return weights.map((weight) => Math.max(1, Math.round(weight / scale)));
}

/**
 * One turn as indexes into `weights`. Each index comes up in proportion to its weight and its
 * appearances are spread evenly: its k-th lies at (k + offset) / share of the turn, and offsets differ
 * so that servers of equal weight alternate instead of clustering.
 */
export function turn(weights: number[]): number[] {
  const counts = shares(weights);
  const places: { at: number; index: number }[] = [];
  let uneven = false;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    if (count !== 1) uneven = true;
    for (let k = 0; k < count; k++) places.push({ at: (k + i / counts.length) / count, index: i });
  }
  if (uneven) places.sort((a, b) => a.at - b.at || a.index - b.index);
  return places.map((place) => place.index);
}
