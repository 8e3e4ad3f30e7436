import { describe, expect, it } from 'vitest';
import { JsonElements } from '../../../../src/adapters/nginx/json-elements.js';
import { fc } from '../../../support/property.js';

/** Divides the text, which arrives in parts of so many bytes. */
function divide(text: string, at: number, size = Number.POSITIVE_INFINITY) {
  const taken: string[] = [];
  const elements = new JsonElements(at, (element) => taken.push(element));
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; from += size) elements.write(bytes.subarray(from, from + size));
  return { taken, elements };
}

const WITHOUT_LISTS = { maxDepth: 3 } as const;

describe('JsonElements', () => {
  it('finds the elements that JSON.parse finds, wherever the parts of the text begin and end', () => {
    const element = fc.oneof(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue(WITHOUT_LISTS)),
      fc.array(fc.jsonValue(WITHOUT_LISTS)),
    );
    fc.assert(
      fc.property(
        fc.array(element),
        fc.integer({ min: 1, max: 64 }),
        fc.boolean(),
        fc.boolean(),
        (list, size, pretty, inMember) => {
          const around = (peers: unknown) => (inMember ? { zone: '[{"', peers, zombies: 0 } : peers);
          const text = JSON.stringify(around(list), undefined, pretty ? 2 : undefined);
          const { taken, elements } = divide(text, inMember ? 2 : 1, size);
          expect(elements.problem).toBeUndefined();
          expect(taken.map((each) => JSON.parse(each) as unknown)).toEqual(JSON.parse(JSON.stringify(list)));
          expect(elements.count).toBe(list.length);
          const rest: unknown = JSON.parse(elements.rest);
          expect(rest).toEqual(around(list.map(() => 0)));
        },
      ),
    );
  });

  it.each([
    ['no comma between two elements', '[{"a":1}{"b":2}]'],
    ['a number beside an element', '[1{"a":1}]'],
    ['a number after an element', '[{"a":1}0]'],
    ['a text that ends in an element', '[{"a":1},{"b":'],
    ['a text that ends before the list does', '[{"a":1}'],
    ['a text after the list', '[{"a":1}] more'],
    ['brackets that do not fit', '[{"a":1}}'],
  ])('leaves a rest that is no JSON where the text is none: %s', (_, text) => {
    const { elements } = divide(text, 1);
    expect(() => JSON.parse(elements.rest) as unknown).toThrow();
  });

  it('leaves a text without a list as it is', () => {
    const page = '<html>“down”</html>';
    expect(divide(page, 1, 3).taken).toEqual([]);
    expect(divide(page, 1).elements.rest).toBe(page);
  });

  it('reads no further in a text that is nested too deep', () => {
    const { taken, elements } = divide(`[{"a":1},${'['.repeat(1_000_000)}`, 1, 1_000);
    expect(taken).toEqual(['{"a":1}']);
    expect(elements.problem).toBe('must be nested at most 32 deep');
  });

  it('reads no further behind an element that is too long', () => {
    const { taken, elements } = divide(`[{"a":1},{"b":"${'x'.repeat(3_000_000)}"},{"c":1}]`, 1, 60_000);
    expect(taken).toEqual(['{"a":1}']);
    expect(elements.problem).toBe('must have at most 1048576 bytes in one element');
  });
});
