import { describe, expect, it } from 'vitest';
import { countersNeeded, plan } from '../../../../src/core/plan.js';
import { A, B, has, input, wants } from '../support/plan.js';

describe('countersNeeded', () => {
  it.each([
    ['one that is gone', wants([A, 'serve']), [has(0, A), has(1, B)], [1]],
    ['one that is asked to drain', wants([A, 'serve'], [B, 'drain']), [has(0, A), has(1, B)], [1]],
    ['one that is there twice', wants([A, 'serve']), [has(0, A), has(1, B), has(2, A)], [0, 1, 2]],
    ['one that is there three times', wants([A, 'serve']), [has(0, A), has(1, A), has(2, A)], [0, 1, 2]],
    ['one that serves', wants([A, 'serve']), [has(0, A)], []],
    ['one that serves and is to be put back', wants([A, 'serve']), [has(0, A, { draining: true })], []],
    ['one whose registration cannot be read', wants([A, 'keep']), [has(0, A)], []],
    ['one that is asked to drain and not there', wants([A, 'serve'], [B, 'drain']), [has(0, A)], []],
    ['none', wants([A, 'serve']), [], []],
  ])('tells the servers by whose counters a plan goes: %s: %4$s', (_, desired, actual, needed) => {
    expect(countersNeeded(actual, desired)).toEqual(new Set(needed));
    const counted = actual.map((server) => ({ ...server, active: 0, failing: true }));
    const partly = counted.map(({ active, ...server }) =>
      needed.includes(server.id) ? { ...server, active } : { ...server, failing: false },
    );
    const { stillServing: one, ...byPart } = plan(input({ desired, actual: partly }));
    const { stillServing: same, ...byAll } = plan(input({ desired, actual: counted }));
    expect(byPart).toEqual(byAll);
    expect(one?.id).toBe(same?.id);
  });
});
