import { describe, expect, it } from 'vitest';
import { advanceDrain, drainStep } from '../../../src/core/drain.js';

const LIMITS = { timeout: 10_000, settle: 500 };
const SINCE = 70_000;

describe('drainStep', () => {
  it.each([
    // out, outOfRotationSince, active, now → step; times count from the begin of the drain
    [false, undefined, 0, 0, 'drain'],
    [false, undefined, 5, 9_999, 'drain'],
    [false, undefined, 0, 10_000, 'remove-expired'],
    [true, 100, 0, 100, 'wait'],
    [true, 100, 0, 599, 'wait'],
    [true, 100, 0, 600, 'remove-idle'],
    [true, 100, 3, 9_999, 'wait'],
    [true, 100, undefined, 9_999, 'wait'],
    [true, 100, 3, 10_000, 'remove-expired'],
    [true, 100, undefined, 10_000, 'remove-expired'],
    [true, 100, 0, 10_000, 'remove-idle'],
  ] as const)(
    'decides for a server that is %s since %s with %s open at %i: %s',
    (out, outOfRotationSince, active, now, step) => {
      const rotation =
        outOfRotationSince === undefined ? {} : { outOfRotationSince: SINCE + outOfRotationSince };
      expect(drainStep({ out, active }, { since: SINCE, ...rotation }, LIMITS, SINCE + now)).toBe(step);
    },
  );
});

describe('advanceDrain', () => {
  it('begins when the drain is first decided, and counts from there', () => {
    expect(advanceDrain(undefined, false, 5)).toEqual({ since: 5 });
    expect(advanceDrain({ since: 5 }, true, 9)).toEqual({ since: 5, outOfRotationSince: 9 });
    expect(advanceDrain({ since: 5, outOfRotationSince: 9 }, true, 20)).toEqual({
      since: 5,
      outOfRotationSince: 9,
    });
  });

  it('counts the settle time of a server that is out already from the beginning', () => {
    expect(advanceDrain(undefined, true, 5)).toEqual({ since: 5, outOfRotationSince: 5 });
  });

  it('starts the settle time again when something put the server back', () => {
    expect(advanceDrain({ since: 5, outOfRotationSince: 9 }, false, 20)).toEqual({ since: 5 });
  });
});
