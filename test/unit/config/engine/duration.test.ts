import { expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../../../src/config/engine/duration.js';
import { fc } from '../../../support/property.js';

it.each([
  ['250ms', 250],
  ['15s', 15_000],
  ['5m', 300_000],
  ['1m30s', 90_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
  ['1m5ms', 60_005],
  ['0s', 0],
])('parseDuration reads %s as %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '15', '15x', 's', '-5s', '1.5s', '30s1m', ' 15s', '15 s', '25d', '9'.repeat(65)])(
  'parseDuration refuses %j',
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

it('parseDuration reads every formatted duration back unchanged', () => {
  fc.assert(
    fc.property(fc.nat(0x7fffffff), (ms) => {
      expect(parseDuration(formatDuration(ms))).toBe(ms);
    }),
  );
});
