import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUCKETS } from '../../../src/firmware/shared/cohort.js';
import { bucket, cohort, DEVICE_IDS } from '../../support/firmware-cohorts.js';

describe('a cohort', () => {
  it.each(['toaster-1.3.0', 'toaster-1.3.1', 'kettle-7.0.0', 'a', 'summer-2026'])(
    'has with the salt %s and 10 %% between 9 %% and 11 %% of 10,000 devices',
    (salt) => {
      expect(cohort(salt, 10).size).toBeGreaterThan(900);
      expect(cohort(salt, 10).size).toBeLessThan(1100);
    },
  );

  it('keeps its devices as the percentage grows: nobody at 0 %, everybody at 100 %', () => {
    let before = cohort('toaster-1.3.0', 0);
    expect(before.size).toBe(0);
    for (const percent of [0.01, 1, 10, 25, 50, 99.99, 100]) {
      const now = cohort('toaster-1.3.0', percent);
      expect([...before].every((id) => now.has(id))).toBe(true);
      before = now;
    }
    expect(before.size).toBe(DEVICE_IDS.length);
  });

  it('overlaps with the cohort of another release as independent sets do: about 1 % of all at 10 % each', () => {
    const first = cohort('toaster-1.3.0', 10);
    const shared = [...cohort('toaster-1.3.1', 10)].filter((id) => first.has(id)).length;
    expect(shared).toBeGreaterThan(70);
    expect(shared).toBeLessThan(130);
  });

  it('is as even over the buckets as random numbers are', () => {
    const counts = new Array<number>(100).fill(0);
    for (const id of DEVICE_IDS) {
      const hundred = Math.floor((bucket('even', id) * 100) / BUCKETS);
      counts[hundred] = (counts[hundred] ?? 0) + 1;
    }
    // Chi-square with 99 degrees of freedom: 149 is exceeded once in a thousand salts.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    expect(chiSquare).toBeLessThan(149);
  });

  it('agrees with the vectors that njs is tested with', () => {
    const text = readFileSync(new URL('../../support/firmware-vectors.json', import.meta.url), 'utf8');
    const { buckets } = JSON.parse(text) as { buckets: { salt: string; id: string; bucket: number }[] };
    for (const one of buckets) expect(bucket(one.salt, one.id)).toBe(one.bucket);
    expect(buckets.length).toBeGreaterThan(5);
  });
});
