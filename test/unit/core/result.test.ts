import { expect, describe as group, it } from 'vitest';
import { describe, err, ok, quote } from '../../../src/core/result.js';

group('a result', () => {
  it('is a value, or the reason why there is none', () => {
    expect(ok(5)).toEqual({ ok: true, value: 5 });
    expect(err('too long')).toEqual({ ok: false, reason: 'too long' });
  });
});

group('the function describe', () => {
  it.each([
    [['a', 'b'], 'an array'],
    [{ a: 1 }, 'an object'],
    [null, '"null"'],
    [undefined, '"undefined"'],
    [5, '"5"'],
    [true, '"true"'],
    ['text', '"text"'],
  ])('returns for %j %s', (value, expected) => {
    expect(describe(value)).toBe(expected);
  });
});

group('quote', () => {
  it('puts text in quotes, and escapes what is not printable', () => {
    expect(quote('a "b"\n\u202e')).toBe('"a \\"b\\"\\n\\u202e"');
  });

  it('shows 64 characters by default, and marks what is cut', () => {
    expect(quote('x'.repeat(64))).toBe(`"${'x'.repeat(64)}"`);
    expect(quote('x'.repeat(65))).toBe(`"${'x'.repeat(64)}…"`);
  });

  it('shows as many characters as it is told', () => {
    expect(quote('abcd', 4)).toBe('"abcd"');
    expect(quote('abcde', 4)).toBe('"abcd…"');
  });
});
