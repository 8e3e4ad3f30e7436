import { describe, expect, it } from 'vitest';
import * as steps from '../../../../src/gateway/model/steps.js';
import * as order from '../../../../src/gateway/model/weighted-order.js';
import { fc } from '../../../support/property.js';

/** One round, computed at once. */
function weightedOrder(weights: number[]): number[] {
  const rows: number[] = [];
  steps.run(order.buildOrder(weights, rows));
  return rows;
}

function counts(turn: number[], servers: number): number[] {
  const found = new Array<number>(servers).fill(0);
  for (const index of turn) found[index] = (found[index] ?? 0) + 1;
  return found;
}

describe('a weighted order', () => {
  it('is empty without servers', () => {
    expect(weightedOrder([])).toEqual([]);
  });

  it('cycles through equal servers one by one', () => {
    expect(weightedOrder([3, 3, 3])).toEqual([0, 1, 2]);
  });

  it('spreads a heavy server out', () => {
    expect(weightedOrder([5, 1, 1])).toEqual([0, 0, 1, 0, 0, 2, 0]);
  });

  it('contains every server exactly as often as its weight in lowest terms', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(weights, (given) => {
        const turn = weightedOrder(given);
        const found = counts(turn, given.length);
        const total = given.reduce((sum, weight) => sum + weight, 0);
        found.forEach((count, i) => {
          expect(count / turn.length).toBeCloseTo((given[i] as number) / total, 10);
        });
      }),
    );
  });

  it('is smooth: no stretch of it contains a server more than two times more often than is fair', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(weights, (given) => {
        const turn = weightedOrder(given);
        const total = given.reduce((sum, weight) => sum + weight, 0);
        given.forEach((weight, server) => {
          let seen = 0;
          turn.forEach((index, at) => {
            if (index === server) seen++;
            expect(Math.abs(seen - ((at + 1) * weight) / total)).toBeLessThan(2);
          });
        });
      }),
    );
  });

  it('stays bounded whatever the weights, contains every server, and is close to fair', () => {
    const turn = weightedOrder([65535, 65534, 65533, 1]);
    expect(turn.length).toBeLessThan(8300);
    const found = counts(turn, 4);
    expect(found[3]).toBeGreaterThan(0);
    for (const count of found.slice(0, 3)) expect(count / turn.length).toBeCloseTo(1 / 3, 3);
  });

  it('contains a thousand servers once each', () => {
    expect(weightedOrder(new Array<number>(1000).fill(7))).toHaveLength(1000);
  });
});
