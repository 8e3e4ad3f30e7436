/** Text as nobody expects it, and good text made bad. */
import { fc } from '../../support/property.js';

/** Names that every object has, words of other syntaxes, characters that terminals and parsers act on. */
const ODD = [
  '',
  ' ',
  '\0',
  '\n',
  '\r\n',
  '\t',
  '\x1b[2J\x1b]0;x\x07',
  '\x7f',
  '\u0085',
  '\u009b31m',
  '\u2028',
  '\u202e',
  '\u200b',
  '\ufeff',
  '\ufffd',
  '\ud800',
  '\udc00\ud800',
  '😀',
  'é',
  '%00',
  '%2f',
  '%',
  '%zz',
  '+',
  '..',
  '../..',
  '/',
  '//',
  '\\',
  '"',
  "'",
  ';',
  '#',
  '$remote_addr',
  '${',
  '<script>',
  '&',
  '?',
  '=',
  ':',
  '[',
  ']',
  '{',
  '}',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '-1',
  '0',
  '1e999',
  '00000000000000000001',
  '٣',
] as const;

const oddPiece: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ODD) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('a', '1', ' ', '/', '.', '\0', '😀'), length()).map(repeat),
  },
);

/** Text of odd pieces. */
export const oddText: fc.Arbitrary<string> = fc
  .array(oddPiece, { minLength: 1, maxLength: 3 })
  .map((pieces) => pieces.join(''));

/** Mostly some, sometimes very many. */
function length(): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 64 }) },
    { weight: 1, arbitrary: fc.constantFrom(128, 255, 256, 1_000, 16_384, 70_000) },
  );
}

function repeat([unit, times]: [string, number]): string {
  return unit.repeat(times);
}

/** One change of a text. Places are parts of a thousand of its length, so that a smaller text can have the same change. */
interface Edit {
  readonly how: 'insert' | 'replace' | 'cut' | 'end' | 'double' | 'flip';
  readonly at: number;
  readonly span: number;
  readonly piece: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  how: fc.constantFrom('insert', 'replace', 'cut', 'end', 'double', 'flip'),
  at: fc.integer({ min: 0, max: 1000 }),
  span: fc.integer({ min: 1, max: 8 }),
  piece: oddPiece,
});

function edited(text: string, { how, at, span, piece }: Edit): string {
  const place = Math.round((text.length * at) / 1000);
  const [before, after] = [text.slice(0, place), text.slice(place)];
  switch (how) {
    case 'insert':
      return before + piece + after;
    case 'replace':
      return before + piece + after.slice(span);
    case 'cut':
      return before + after.slice(span);
    case 'end':
      return before;
    case 'double':
      return before + after.slice(0, span) + after;
    case 'flip':
      return flipped(text, place, span);
  }
}

/** One bit of the text's bytes is another, and the bytes are then read as UTF-8, as keys and values of etcd are. */
function flipped(text: string, at: number, bit: number): string {
  const bytes = Buffer.from(text);
  const place = Math.min(at, bytes.length - 1);
  if (place >= 0) bytes[place] = (bytes[place] ?? 0) ^ (1 << (bit - 1));
  return bytes.toString('utf8');
}

/** The text with up to `max` changes; often with none. */
export function spoilt(text: fc.Arbitrary<string>, max = 3): fc.Arbitrary<string> {
  return fc
    .tuple(text, fc.array(edit, { maxLength: max }))
    .map(([good, edits]) => edits.reduce(edited, good));
}
