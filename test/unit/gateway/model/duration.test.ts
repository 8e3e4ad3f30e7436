import { expect, it } from 'vitest';
import * as duration from '../../../../src/gateway/model/duration.js';

it.each([
  ['10', 10_000],
  ['10s', 10_000],
  ['1m30s', 90_000],
  ['1m 30s', 90_000],
  ['500ms', 500],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['0', 0],
])('parseDuration reads %s as %d ms', (text, ms) => {
  expect(duration.parse(text)).toBe(ms);
});

it('parseDuration refuses a long text at once', () => {
  for (const text of [`${'1'.repeat(40)}x`, `${'1 '.repeat(45)}x`, '1'.repeat(400), '1 '.repeat(400_000)])
    expect(duration.parse(text)).toBe(-1);
});

it('parseDuration reads a text of 100 characters, and no longer one', () => {
  expect(duration.parse('1 '.repeat(50))).toBe(50_000);
  expect(duration.parse(`${'1 '.repeat(50)}1`)).toBe(-1);
});

it.each([
  [0, '0s'],
  [90_000, '90s'],
  [1_500, '1500ms'],
])('formatDuration writes %d ms as %s', (ms, text) => {
  expect(duration.format(ms)).toBe(text);
});

it.each(['', 's', '10x', '-1s', '1.5s', 's10', '10 s s'])('parseDuration refuses %j', (text) => {
  expect(duration.parse(text)).toBe(-1);
});
