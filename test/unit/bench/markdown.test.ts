import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fullTables, MARKS, replaceMarked, shortTable } from '../../bench/report/markdown.js';
import type { Report } from '../../bench/report/report.js';
import { medianOf } from '../../bench/stats.js';

const REPORT: Report = {
  startedAt: '2026-11-27T10:00:00.000Z',
  seconds: 60,
  quick: false,
  machine: '2 cores',
  parts: [
    {
      name: 'change',
      title: 'A change',
      rows: [
        { work: 'one | lone', unit: 'ms', figures: { sidekick: medianOf([5]) }, headline: true },
        { work: 'CPU', unit: 'ms', figures: { floor: medianOf([1]), sidekick: medianOf([2]) } },
      ],
    },
    { name: 'gateway', title: 'The gateway', rows: [], output: 'as it was printed' },
    { name: 'fleet', title: 'A fleet', rows: [], error: 'it broke' },
  ],
};

describe('the full report', () => {
  const text = fullTables(REPORT);

  it('names its date and machine', () =>
    expect(text).toMatch(/^Measured on 2026-11-27 in one run on 2 cores\./));
  it('contains every row', () => expect(text).toContain('| CPU | 1 ms | 2 ms | 2 × |'));
  it('contains the output of other programs', () => expect(text).toContain('```\nas it was printed\n```'));
  it('says which part broke off', () => expect(text).toContain('Broke off: it broke'));
});

describe('the short table', () => {
  const text = shortTable(REPORT);

  it('contains the headlines alone, without empty columns', () => {
    expect(text.split('\n').slice(0, 3)).toEqual([
      '| work | sidekick |',
      '|---|---|',
      '| one \\| lone | 5 ms |',
    ]);
  });

  it('names its date and machine', () => expect(text).toContain('2 cores'));
});

describe('replaceMarked', () => {
  it('keeps the text around the marks', () => {
    const document = `before\n${MARKS.begin}\nold\n${MARKS.end}\nafter\n`;
    const once = replaceMarked(document, 'new');
    expect(once).toBe(`before\n${MARKS.begin}\nnew\n${MARKS.end}\nafter\n`);
    expect(replaceMarked(once, 'new')).toBe(once);
  });

  it.each(['nothing', MARKS.begin, `${MARKS.begin} ${MARKS.end} ${MARKS.end}`])('refuses %s', (document) => {
    expect(() => replaceMarked(document, 'new')).toThrow(MARKS.begin);
  });
});

it.each(['README.md', 'docs/benchmarks.md'])('%s has marks for the tables', (path) => {
  const document = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
  expect(replaceMarked(document, fullTables(REPORT))).toContain('| CPU | 1 ms | 2 ms | 2 × |');
});
