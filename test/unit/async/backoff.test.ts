import { describe, expect, it } from 'vitest';
import { backoff } from '../../../src/async/backoff.js';

const RANGE = { min: 100, max: 2000 };

describe('backoff', () => {
  it('doubles with each failure in a row, up to the longest wait', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7].map((failures) => backoff(failures, RANGE, () => 1));
    expect(waits).toEqual([100, 200, 400, 800, 1600, 2000, 2000]);
  });

  it('takes at least half of the wait, by the given randomness', () => {
    expect(backoff(3, RANGE, () => 0)).toBe(200);
    expect(backoff(3, RANGE, () => 0.5)).toBe(300);
  });

  it('stays at the longest wait after any number of failures', () => {
    expect(backoff(1_000_000, RANGE, () => 1)).toBe(2000);
    expect(backoff(1_000_000, { min: 0, max: 2000 }, () => 1)).toBe(0);
  });
});
