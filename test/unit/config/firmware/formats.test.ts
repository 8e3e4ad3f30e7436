import { expect, it } from 'vitest';
import type { Format } from '../../../../src/config/engine/formats.js';
import * as formats from '../../../../src/config/firmware/formats.js';

const ALL: readonly (readonly [string, Format<unknown>])[] = Object.entries(formats);

it.each(ALL)('the format %s says what is allowed, and what it was given instead', (_, format) => {
  for (const value of ['', {}]) {
    const result = format.read(value);
    expect(result).toMatchObject({ ok: false });
    if (!result.ok) expect(result.reason.startsWith(`must be ${format.allowed}, got `)).toBe(true);
  }
});

it.each([
  ['percent', formats.percent, '12.5%', 12.5],
  ['version', formats.version, 'v1.3.0', '1.3.0'],
  ['time', formats.time, '2026-12-01T08:00:00+01:00', '2026-12-01T07:00:00.000Z'],
  ['rate', formats.rate, '200KB', 200_000],
  ['deviceId', formats.deviceId, '24-6F-28-AA-BB-CC', '24:6f:28:aa:bb:cc'],
  ['days', formats.days, '90d', 90],
] as const)('the format %s reads text as it is written', (_, format: Format<unknown>, text, value) => {
  expect(format.read(format.coerce(text))).toEqual({ ok: true, value });
});
