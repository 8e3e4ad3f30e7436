import { describe, expect, it } from 'vitest';
import { boundedFields } from '../../../src/telemetry/bounded-fields.js';
import { fc } from '../../support/property.js';

const SECRETS = ['password', 'token', 'authorization', 'auth'];
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const NAME = fc.oneof(
  fc.constantFrom('event', 'address', '__proto__', ...SECRETS),
  fc.string({ unit: 'binary' }),
);
const TEXT = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 250, maxLength: 3_000 }),
);
const FIELDS = fc
  .array(fc.tuple(NAME, fc.oneof(TEXT, fc.integer(), fc.boolean(), fc.constant(undefined))), {
    maxLength: 60,
  })
  .map((entries) => Object.fromEntries(entries) as Record<string, unknown>);

const printed = (value: unknown) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

describe('boundedFields', () => {
  it('leaves no unprintable character and no secret, and bounds the length, whatever the fields are', () => {
    fc.assert(
      fc.property(FIELDS, (fields) => {
        const shown = Object.entries(boundedFields(fields));
        for (const [name, value] of shown) {
          expect(name).not.toMatch(UNPRINTABLE);
          if (typeof value === 'string') expect(value).not.toMatch(UNPRINTABLE);
          if (SECRETS.includes(name)) expect(value).toBe('(redacted)');
        }
        // Each text that no longer fits the line still has the 32 characters that say so.
        const length = shown.flat().reduce<number>((sum, part) => sum + printed(part).length, 0);
        expect(length).toBeLessThanOrEqual(16_384 + 2 * 32 * shown.length);
      }),
    );
  });

  it('returns the same fields where they are short and printable, as nearly all are', () => {
    const fields = {
      event: 'server-added',
      address: '10.0.0.1:80',
      revision: 7,
      down: false,
      key: undefined,
    };
    expect(boundedFields(fields)).toBe(fields);
  });

  it.each(SECRETS)('shows no %s among fields that are short and printable', (name) => {
    expect(boundedFields({ event: 'x', [name]: 'hunter2' })).toEqual({ event: 'x', [name]: '(redacted)' });
  });

  it('escapes a name as well as a value', () => {
    expect(boundedFields({ 'a\n': 'b\u001b' })).toEqual({ 'a\\n': 'b\\u001b' });
  });
});
