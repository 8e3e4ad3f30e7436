import { describe, expect, it } from 'vitest';
import {
  count,
  counted,
  printable,
  rate,
  span,
  timeLeft,
} from '../../../../src/telemetry/dashboard/format.js';
import { HARMFUL, hostileText } from '../../../support/hostile.js';
import { fc } from '../../../support/property.js';

describe('untrusted text', () => {
  it('is shown with what is not printable escaped, and cut', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const shown = printable(text);
        expect(shown).not.toMatch(HARMFUL);
        expect(shown).not.toContain('\n');
        expect(shown.length).toBeLessThanOrEqual(6 * 500 + 1);
      }),
    );
  });

  it('stays as it is where it is harmless', () => {
    for (const text of ['10.0.0.1:80', 'café ☕ <b>&amp;</b>', 'שלום', ''])
      expect(printable(text)).toBe(text);
  });
});

it.each([
  [0, '0 s'],
  [999, '1 s'],
  [59_400, '59 s'],
  [61_000, '1 min 1 s'],
  [3_600_000, '1 h'],
  [7_500_000, '2 h 5 min'],
  [200_000_000, '2 d 7 h'],
  [-5_000, '0 s'],
])('a span of %i ms is %s', (ms, text) => expect(span(ms)).toBe(text));

it.each([
  [24_000, '0:24'],
  [23_001, '0:24'],
  [245_000, '4:05'],
  [3_723_000, '1:02:03'],
  [-1, '0:00'],
])('%i ms are %s left', (ms, text) => expect(timeLeft(ms)).toBe(text));

it('a number is shown with separators, a small rate with a decimal', () => {
  expect([count(10_000), counted(1, 'server'), counted(2_000, 'server')]).toEqual([
    '10,000',
    '1 server',
    '2,000 servers',
  ]);
  expect([rate(0), rate(0.25), rate(9.9), rate(1_234.5)]).toEqual(['0', '0.3', '9.9', '1,235']);
});
