import { describe, expect, it } from 'vitest';
import * as steps from '../../../../src/gateway/model/steps.js';

describe('incremental work', () => {
  it('is done some at a time, in order, and says when it has done all', () => {
    const seen: number[] = [];
    const step = steps.each(5, 2, (i) => seen.push(i));
    expect([step(), [...seen]]).toEqual([false, [0, 1]]);
    expect([step(), [...seen]]).toEqual([false, [0, 1, 2, 3]]);
    expect([step(), seen]).toEqual([true, [0, 1, 2, 3, 4]]);
  });

  it('is done in the step that ends with its last part', () => {
    const step = steps.each(4, 2, () => {});
    expect([step(), step()]).toEqual([false, true]);
  });

  it('is done at once where there is none', () => {
    const step = steps.each(0, 2, () => {
      throw new Error('there is nothing to do');
    });
    expect(step()).toBe(true);
  });

  it('is a sequence of parts, each of which is made when its turn comes', () => {
    const seen: string[] = [];
    let total = 0;
    const step = steps.sequence([
      steps.once(() => {
        total = 2;
      }),
      () => steps.each(total, 1, (i) => seen.push(`${i}`)),
      steps.once(() => seen.push('last')),
    ]);
    expect([step(), step(), step(), step()]).toEqual([false, false, false, true]);
    expect(seen).toEqual(['0', '1', 'last']);
  });

  it('is a sequence that ends with the last step of its last part', () => {
    const step = steps.sequence([() => steps.each(2, 1, () => {})]);
    expect([step(), step()]).toEqual([false, true]);
  });

  it('is done to its end where nothing waits between the steps', () => {
    const seen: number[] = [];
    steps.run(steps.each(5, 2, (i) => seen.push(i)));
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });
});
