import { describe, expect, it } from 'vitest';
import { defined } from '../../../src/core/defined.js';

describe('defined', () => {
  it('leaves out what is undefined', () => {
    expect(Object.keys(defined({ a: undefined, b: 1, c: undefined }))).toEqual(['b']);
  });

  it('keeps what is empty, zero, false or null', () => {
    const fields = { a: '', b: 0, c: false, d: null };
    expect(defined(fields)).toEqual(fields);
  });
});
