import { describe, expect, it } from 'vitest';
import { COUNTERS, NO_COUNTS } from '../../../src/firmware/outcomes.js';
import {
  difference,
  figuresOf,
  isSame,
  newest,
  proof,
  rounded,
  sum,
  total,
  upperBound,
} from '../../../src/firmware/statistics.js';
import { fc } from '../../support/property.js';
import * as arbitrary from './support/arbitraries.js';

/** The probability of at most k failures among n, term by term. */
function binomial(k: number, n: number, p: number): number {
  let term = (1 - p) ** n;
  let all = term;
  for (let i = 1; i <= k; i++) {
    term *= ((n - i + 1) / i) * (p / (1 - p));
    all += term;
  }
  return all;
}

function proofOf(booted: number, failed: number, lost = 0): string | undefined {
  return proof(figuresOf({ ...NO_COUNTS, offered: booted + failed + lost, booted, failed, lost }));
}

describe('what is proved by outcomes', () => {
  it.each([
    [30, 0, 0, '30 of 30 booted: fewer than 10 % fail (95 %)'],
    [60, 0, 0, '60 of 60 booted: fewer than 5 % fail (95 %)'],
    [300, 0, 0, '300 of 300 booted: fewer than 1 % fail (95 %)'],
    [10_000, 0, 0, '10000 of 10000 booted: fewer than 0.03 % fail (95 %)'],
    [58, 1, 1, '2 of 60 failed or were lost (3.3 %): fewer than 11 % fail (95 %)'],
    [990, 8, 2, '10 of 1000 failed or were lost (1 %): fewer than 2 % fail (95 %)'],
    [0, 3, 0, '3 of 3 failed or were lost (100 %): nothing is proved yet'],
    [1, 0, 0, '1 of 1 booted: fewer than 95 % fail (95 %)'],
  ])('%s booted, %s failed, %s lost', (booted, failed, lost, text) => {
    expect(proofOf(booted, failed, lost)).toBe(text);
  });

  it('is nothing before the first outcome', () => {
    expect(proof(figuresOf({ ...NO_COUNTS, offered: 9, downloaded: 9, unknown: 4 }))).toBeUndefined();
  });

  it('is bounded by the share that is exceeded in one of twenty cases', () => {
    const cases = fc.tuple(fc.integer({ min: 1, max: 400 }), fc.nat(400)).filter(([n, k]) => k <= n / 2);
    fc.assert(
      fc.property(cases, ([n, k]) => {
        const bound = upperBound(k, n);
        expect(bound).toBeGreaterThan(k / n);
        expect(binomial(k, n, bound)).toBeCloseTo(0.05, 8);
      }),
    );
  });

  it('is bounded for a million devices as for ten', () => {
    expect(upperBound(10_000, 1_000_000)).toBeGreaterThan(0.01);
    expect(upperBound(10_000, 1_000_000)).toBeLessThan(0.0102);
    expect(upperBound(0, 1_000_000)).toBeCloseTo(3e-6, 7);
  });
});

describe('a set of figures', () => {
  it('counts each device once: recovered is not failed, found is not lost', () => {
    const counts = {
      offered: 10,
      downloaded: 9,
      booted: 5,
      failed: 3,
      recovered: 1,
      lost: 2,
      found: 1,
      unknown: 2,
      known: 1,
      returned: 2,
      answered: 1,
    };
    expect(figuresOf(counts)).toEqual({
      ...{ offered: 10, downloaded: 9, booted: 6, returned: 1, failed: 2, lost: 1, unknown: 1, inFlight: 0 },
    });
  });

  it('proves nothing by a device that is merely back on MQTT, since one that has fallen back is as well', () => {
    const figures = figuresOf({
      ...NO_COUNTS,
      offered: 60,
      downloaded: 60,
      returned: 60,
      booted: 1,
      answered: 1,
    });
    expect(figures).toMatchObject({ booted: 60, returned: 59 });
    expect(proof(figures)).toContain('1 of 1 booted');
  });

  it('is never negative', () => {
    fc.assert(
      fc.property(arbitrary.counts, arbitrary.counts, (a, b) => {
        for (const value of Object.values(figuresOf(difference(a, b))))
          expect(value).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('a set of counters', () => {
  it('is the same as another where each counter is', () => {
    expect(isSame(NO_COUNTS, { ...NO_COUNTS })).toBe(true);
    for (const counter of COUNTERS) expect(isSame(NO_COUNTS, { ...NO_COUNTS, [counter]: 1 })).toBe(false);
  });

  it('is of a release the sum of what every NGINX has counted', () => {
    const counted = (booted: number) => ({ counts: new Map([['1.3.0', { ...NO_COUNTS, booted }]]) });
    expect(total([counted(2), counted(3), { counts: new Map() }], '1.3.0')).toEqual({
      ...NO_COUNTS,
      booted: 5,
    });
    expect(total([counted(2)], '1.2.0')).toEqual(NO_COUNTS);
  });
});

it('a share is rounded to one decimal', () => {
  expect([7.44, 7.45, 0.04, 100].map(rounded)).toEqual([7.4, 7.5, 0, 100]);
});

describe('the sum of counters', () => {
  it('has the part that was added, when the rest is subtracted', () => {
    fc.assert(
      fc.property(arbitrary.counts, arbitrary.counts, (part, more) => {
        expect(difference(sum([part, more]), part)).toEqual(more);
      }),
    );
  });

  it('is never taken for an older reading, whichever of two comes first', () => {
    fc.assert(
      fc.property(arbitrary.counts, arbitrary.counts, (early, more) => {
        const late = sum([early, more]);
        expect(newest(early, late)).toEqual(late);
        expect(newest(late, early)).toEqual(late);
      }),
    );
  });
});
