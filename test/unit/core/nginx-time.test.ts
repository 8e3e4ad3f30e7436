import { describe, expect, it } from 'vitest';
import { formatNginxTime, parseNginxTime } from '../../../src/core/nginx-time.js';
import { fc } from '../../support/property.js';

describe('times of NGINX', () => {
  it.each([
    ['0', 0],
    ['10', 10],
    ['10s', 10],
    ['1m', 60],
    ['1m30s', 90],
    ['1h 30m', 5_400],
    ['1d', 86_400],
    ['1w', 604_800],
    ['1M', 2_592_000],
    ['1y', 31_536_000],
    ['10y 10M 10w 10d 10h 10m 10s', 348_228_610],
    [`${'0'.repeat(62)}1s`, 1],
    ['2147483647', 2_147_483_647],
  ])('the time %s is %i s', (text, seconds) => {
    expect(parseNginxTime(text)).toBe(seconds);
  });

  it.each([
    '',
    '-1s',
    '1ms',
    '100ms',
    '1x',
    's',
    '1.5s',
    '30s1m',
    '1m1m',
    ' ',
    ' 1s',
    '1s ',
    '2147483648',
    '99999999999',
    `${'0'.repeat(63)}1s`,
  ])('the text %j is no time', (text) => {
    expect(parseNginxTime(text)).toBeUndefined();
  });

  it('a formatted time reads back unchanged', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7fffffff }), (seconds) => {
        expect(parseNginxTime(formatNginxTime(seconds))).toBe(seconds);
      }),
    );
  });
});
