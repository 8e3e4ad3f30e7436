import { describe, expect, it } from 'vitest';
import { plot } from '../../bench/report/plot.js';
import type { Series } from '../../bench/report/report.js';

const FLOOR: Series = {
  plot: 'latency',
  name: 'one group',
  contender: 'floor',
  points: [
    [10, 4],
    [10_000, 5],
  ],
};
const SIDEKICK: Series = {
  ...FLOOR,
  contender: 'sidekick',
  points: [
    [10, 5],
    [10_000, 6],
  ],
};

function pointsOf(svg: string): readonly (readonly number[])[][] {
  return [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    (points ?? '').split(' ').map((point) => point.split(',').map(Number)),
  );
}

describe('the plot', () => {
  it('draws one curve for each series, with one point for each size', () => {
    expect(pointsOf(plot([FLOOR, SIDEKICK])).map((points) => points.length)).toEqual([2, 2]);
  });

  it('draws more servers further to the right, and more time higher', () => {
    const [[[fewX = 0] = [], [manyX = 0] = []] = [], [[, sidekickY = 0] = []] = []] = pointsOf(
      plot([FLOOR, SIDEKICK]),
    );
    const floorY = pointsOf(plot([FLOOR, SIDEKICK]))[0]?.[0]?.[1] ?? 0;
    expect(manyX).toBeGreaterThan(fewX);
    expect(sidekickY).toBeLessThan(floorY);
  });

  it('keeps every point inside', () => {
    const svg = plot([
      FLOOR,
      {
        ...SIDEKICK,
        plot: 'cpu',
        points: [
          [10, 0.4],
          [10_000, 400],
        ],
      },
    ]);
    const [, width = 0, height = 0] = (/viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []).map(Number);
    for (const [x = -1, y = -1] of pointsOf(svg).flat()) {
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(width);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(height);
    }
  });

  it('labels the sizes', () => expect(plot([FLOOR])).toContain('>10,000</text>'));

  it('labels each curve in the legend', () => {
    expect(plot([FLOOR, SIDEKICK])).toMatch(/floor, one group[\s\S]*sidekick, one group/);
  });

  it('leaves out a series without points', () => {
    expect(pointsOf(plot([FLOOR, { ...SIDEKICK, points: [] }]))).toHaveLength(1);
  });

  it('draws a picture even of nothing', () => expect(plot([])).toContain('</svg>'));
});
