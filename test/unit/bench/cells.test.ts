import { describe, expect, it } from 'vitest';
import { cells, figure, number } from '../../bench/report/cells.js';
import type { Row } from '../../bench/report/report.js';
import { medianOf } from '../../bench/stats.js';

describe('number', () => {
  it.each([
    [0, '0'],
    [0.0123, '0.01'],
    [4.305, '4.31'],
    [43.06, '43.1'],
    [430.6, '431'],
    [4306.1, '4,306'],
  ])('prints %d as %s', (value, text) => expect(number(value)).toBe(text));
});

describe('figure', () => {
  it('shows the range over the rounds', () => {
    expect(figure({ value: 4.3, low: 4, high: 5.12 }, 'ms')).toBe('4.3 ms (4–5.12)');
  });

  it('shows no range if all rounds agree', () => expect(figure(medianOf([2, 2]), '')).toBe('2'));

  it('is empty where nothing was measured', () => expect(figure(undefined, 'ms')).toBe(''));
});

describe('a row', () => {
  const row: Row = {
    work: 'a change',
    unit: 'ms',
    figures: { floor: medianOf([4]), sidekick: medianOf([5]), 'shell loop': medianOf([34]) },
  };

  it('shows how many times as long sidekick takes as the baseline', () => {
    expect(cells(row)).toEqual(['a change', '4 ms', '5 ms', '1.25 ×', '34 ms', '']);
  });

  it.each([
    [{ timesFloor: 1.25 }, '≤ 1.25 × floor: met'],
    [{ timesFloor: 1.2 }, '≤ 1.2 × floor: missed'],
    [{ atMost: 5 }, '≤ 5 ms: met'],
    [{ atMost: 4 }, '≤ 4 ms: missed'],
    [{ shellTimes: 8 }, '≥ 8 × faster than the loop: missed'],
    [{ shellTimes: 6 }, '≥ 6 × faster than the loop: met'],
    [{ timesFloor: 1.25, shellTimes: 8 }, '≤ 1.25 × floor: met; ≥ 8 × faster than the loop: missed'],
  ])('judges the target %o: %s', (target, expected) => {
    expect(cells({ ...row, target })[5]).toBe(expected);
  });

  it('shows no multiple of nothing', () => {
    const figures = { floor: medianOf([0]), sidekick: medianOf([60]) };
    expect(cells({ work: 'requests', unit: '', figures }).slice(1, 4)).toEqual(['0', '60', '']);
  });

  it('shows no target for what was not measured', () => {
    const { sidekick } = row.figures;
    expect(cells({ ...row, figures: { ...(sidekick && { sidekick }) }, target: { timesFloor: 1 } })).toEqual([
      'a change',
      '',
      '5 ms',
      '',
      '',
      '',
    ]);
  });
});
