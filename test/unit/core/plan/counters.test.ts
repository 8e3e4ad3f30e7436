import { describe, expect, it } from 'vitest';
import { needsCounters, plan } from '../../../../src/core/plan.js';
import { A, B, has, input, wants } from '../support/plan.js';

describe('whether a plan goes by the counters of the servers', () => {
  it.each([
    ['one that is gone', wants([A, 'serve']), [has(0, A), has(1, B)], true],
    ['one that is asked to drain', wants([A, 'serve'], [B, 'drain']), [has(0, A), has(1, B)], true],
    ['one that is there twice', wants([A, 'serve']), [has(0, A), has(1, A)], true],
    ['one that serves', wants([A, 'serve']), [has(0, A)], false],
    ['one that serves and is to be put back', wants([A, 'serve']), [has(0, A, { draining: true })], false],
    ['one whose registration cannot be read', wants([A, 'keep']), [has(0, A)], false],
    ['one that is asked to drain and not there', wants([A, 'serve'], [B, 'drain']), [has(0, A)], false],
    ['none', wants([A, 'serve']), [], false],
  ])('is told for %s: %4$s', (_, desired, actual, needed) => {
    expect(needsCounters(actual, desired)).toBe(needed);
    if (needed) return;
    const counted = actual.map((server) => ({ ...server, active: 0, failing: true }));
    const uncounted = actual.map(({ active: _active, ...server }) => ({ ...server, failing: false }));
    expect(plan(input({ desired, actual: uncounted }))).toEqual(plan(input({ desired, actual: counted })));
  });
});
