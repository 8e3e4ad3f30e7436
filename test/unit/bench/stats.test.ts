import { describe, expect, it } from 'vitest';
import { figureOf, largest, median, medianOf, p99, quantile } from '../../bench/stats.js';

describe('quantile', () => {
  it.each([
    [0.5, 2],
    [0.75, 3],
    [0.76, 4],
    [1, 4],
    [0.01, 1],
  ])('is for 1 to 4 and a share of %d the sample %d: the nearest rank', (share, expected) => {
    expect(quantile([3, 1, 4, 2], share)).toBe(expected);
  });

  it('does not sort its argument', () => {
    const samples = [3, 1, 2];
    quantile(samples, 0.5);
    expect(samples).toEqual([3, 1, 2]);
  });

  it('compares numbers, not texts', () => {
    expect(largest([9, 10, 8])).toBe(10);
  });

  it('refuses no samples', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

describe('median', () => {
  it('is the middle sample', () => expect(median([5, 100, 1])).toBe(5));
  it('is the mean of the two in the middle of an even number', () => expect(median([1, 2, 4, 100])).toBe(3));
  it('equals a single sample', () => expect(median([7])).toBe(7));
  it('refuses no samples', () => expect(() => median([])).toThrow(RangeError));
});

describe('p99', () => {
  it('is the largest but one of a hundred and one samples', () => {
    expect(p99(Array.from({ length: 101 }, (_, nth) => nth))).toBe(99);
  });

  it('is the largest of fewer than a hundred', () => {
    expect(p99(Array.from({ length: 99 }, (_, nth) => nth))).toBe(98);
  });
});

describe('figureOf', () => {
  it('covers all samples together, not the mean of the rounds', () => {
    expect(figureOf([[1, 1, 1], [9]], median).value).toBe(1);
  });

  it('ranges over the rounds', () => {
    expect(
      figureOf(
        [
          [1, 2, 3],
          [10, 20, 30],
          [4, 5, 6],
        ],
        median,
      ),
    ).toMatchObject({ low: 2, high: 20 });
  });

  it('ignores rounds without samples', () => {
    expect(figureOf([[], [2]], median)).toEqual({ value: 2, low: 2, high: 2 });
  });
});

it('medianOf counts each sample as a round', () => {
  expect(medianOf([3, 1, 2])).toEqual({ value: 2, low: 1, high: 3 });
});
