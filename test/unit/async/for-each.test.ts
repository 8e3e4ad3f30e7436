import { describe, expect, it } from 'vitest';
import { forEach } from '../../../src/async/for-each.js';

describe('forEach', () => {
  it('runs the task once for each item, with at most `limit` under way', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await forEach([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('runs the task for every item even after failures, and rejects with all of them', async () => {
    const done: string[] = [];
    const outcome = forEach(['a', 'b', 'c', 'd'], 2, async (item) => {
      if (item < 'c') throw new Error(`no ${item}`);
      done.push(item);
    });
    await expect(outcome).rejects.toMatchObject({
      name: 'AggregateError',
      message: 'no a',
      errors: [{ message: 'no a' }, { message: 'no b' }],
    });
    expect(done).toEqual(['c', 'd']);
  });

  it('rejects with what was thrown as text, if that is no error', async () => {
    const outcome = forEach(['a'], 1, () => Promise.reject('no reason'));
    await expect(outcome).rejects.toMatchObject({ message: 'no reason', errors: ['no reason'] });
  });

  it('resolves if there is nothing to do', async () => {
    await expect(forEach([], 3, () => Promise.reject(new Error('no')))).resolves.toBeUndefined();
  });
});
