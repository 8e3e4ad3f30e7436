/** The shortest and the longest wait of a back-off, in ms. */
interface BackoffRange {
  readonly min: number;
  readonly max: number;
}

/**
 * How long to wait, in ms, after so many failures in a row (at least 1): `min`, doubled with each further failure, at
 * most `max`, and of that a random share between one half and the whole, so that a fleet does not retry in step.
 * @param random 0 to 1; default Math.random.
 */
export function backoff(failures: number, { min, max }: BackoffRange, random = Math.random): number {
  const ceiling = Math.min(max, min * 2 ** Math.min(failures - 1, 16));
  return ceiling * (0.5 + random() / 2);
}
