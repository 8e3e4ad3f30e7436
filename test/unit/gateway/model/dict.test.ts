import { describe, expect, it } from 'vitest';
import * as dict from '../../../../src/gateway/model/dict.js';

describe('a map whose keys come from outside', () => {
  it('has its own values, and none that it inherits', () => {
    expect(dict.get({ a: 1 }, 'a')).toBe(1);
    expect(dict.get({ a: 1 }, 'b')).toBeUndefined();
    expect(dict.get<unknown>({ a: 1 }, 'constructor')).toBeUndefined();
  });

  it('has nothing where it is missing', () => {
    expect(dict.get(undefined, 'a')).toBeUndefined();
  });

  it('is made without anything to inherit', () => {
    expect('constructor' in dict.create()).toBe(false);
  });
});
