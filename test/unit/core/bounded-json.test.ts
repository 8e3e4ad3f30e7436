import { describe, expect, it } from 'vitest';
import { isObject, JSON_BOUNDS, readJson, readJsonObject } from '../../../src/core/bounded-json.js';

const BOUNDS = { length: 40, depth: 3, items: 6 };

/** Why the text is not read; undefined where it is. */
function refusal(text: string, bounds = BOUNDS): string | undefined {
  const read = readJson(text, bounds);
  return read.ok ? undefined : read.reason;
}

describe('readJson', () => {
  it('reads any JSON value', () => {
    for (const value of [null, true, 5, 'text', [], {}, { a: [1, { b: null }] }]) {
      expect(readJson(JSON.stringify(value))).toEqual({ ok: true, value });
    }
  });

  it('reads text of the greatest length, and none that is longer', () => {
    expect(refusal(`"${'x'.repeat(38)}"`)).toBeUndefined();
    expect(refusal(`"${'x'.repeat(39)}"`)).toBe('must be at most 40 characters, got 41');
  });

  it('reads text of the greatest depth, and none that is deeper', () => {
    expect(refusal('[{"a":[]}]')).toBeUndefined();
    expect(refusal('[[{"a":[]}]]')).toBe('must be nested at most 3 deep, got 4');
    expect(refusal('[[[{}]],[]]')).toBe('must be nested at most 3 deep, got 4');
  });

  it('counts what is inside one another as depth, and not what follows', () => {
    expect(refusal('[[],[],[],{},{},{}]', { ...BOUNDS, items: 100 })).toBeUndefined();
  });

  it('reads as many items as are allowed, and no more', () => {
    expect(refusal('[1,2,3,4,5,6]')).toBeUndefined();
    expect(refusal('[1,2,3,4,5,6,7]')).toBe('must have at most 6 items, got 7');
    expect(refusal('{"a":[1,2],"b":[3,4,5]}')).toBe('must have at most 6 items, got 7');
  });

  it.each([
    ['brackets', '"[[[[{{{{"'],
    ['commas', '",,,,,,,,"'],
    ['brackets after an escaped quote', '"\\"[[[[[["'],
    ['brackets after an escaped backslash and an escaped quote', '"\\\\\\"[[[[[["'],
  ])('takes %s in a string for text', (_, text) => {
    expect(refusal(text)).toBeUndefined();
  });

  it.each([
    ['ends', '["a",[[[]]]]'],
    ['is empty', '["",[[[]]]]'],
    ['ends in an escaped backslash', '["\\\\",[[[]]]]'],
    ['ends in two escaped backslashes', '["\\\\\\\\",[[[]]]]'],
  ])('counts the brackets behind a string that %s', (_, text) => {
    expect(refusal(text)).toBe('must be nested at most 3 deep, got 4');
  });

  it('takes all that follows an opening quote for text where no other quote closes it', () => {
    expect(refusal('["a [[[[')).toMatch(/^is not valid JSON/);
  });

  it('says where the text is not valid, where the parser says it', () => {
    expect(refusal('{"a" 1}')).toBe('is not valid JSON at character 6');
    expect(refusal('{"a longer name" 1}')).toBe('is not valid JSON at character 18');
    expect(refusal('[1')).toMatch(/^is not valid JSON( at character \d)?$/);
    expect(refusal('oops')).toBe('is not valid JSON');
  });

  it('bounds what it is given no other bounds for', () => {
    expect(JSON_BOUNDS).toEqual({ length: 16_384, depth: 8, items: 512 });
    expect(readJson(`${'['.repeat(8)}${']'.repeat(8)}`)).toMatchObject({ ok: true });
    expect(readJson(`${'['.repeat(9)}${']'.repeat(9)}`)).toMatchObject({ ok: false });
  });
});

describe('readJsonObject', () => {
  it('reads an object', () => {
    expect(readJsonObject('{"a":1}')).toEqual({ ok: true, value: { a: 1 } });
  });

  it.each(['null', '5', '"text"', '[]', '[{}]'])('refuses %s, which is none', (text) => {
    expect(readJsonObject(text)).toEqual({ ok: false, reason: 'must be a JSON object' });
  });

  it('refuses what is not JSON, and what is beyond the bounds', () => {
    expect(readJsonObject('oops')).toEqual({ ok: false, reason: 'is not valid JSON' });
    expect(readJsonObject('{"a":{"b":{"c":{}}}}', BOUNDS)).toMatchObject({ ok: false });
  });
});

describe('isObject', () => {
  it.each([
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    [undefined, false],
    ['text', false],
    [5, false],
  ])('says of %j: %s', (value, expected) => {
    expect(isObject(value)).toBe(expected);
  });
});
