/** Text as somebody writes it who wants to deceive whoever reads a terminal or a log. */
import { fc } from './property.js';

/**
 * What must not reach a terminal, a log or a label: control characters but for the line break that ends a line of ours,
 * bidi controls, what is invisible, and line separators. Source: Unicode's properties of these names.
 */
export const HARMFUL = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u;

/** Lines that look like the program's own. */
const FALSE_LINES = [
  '\nsidekick watch lb1: ready; etcd connected at revision 42',
  '\nNGINX lb: 1.26.3 connected',
  '\r\n  http/firmware  in sync  10.0.0.1:80  up',
  '\n{"level":"info","event":"daemon-ready"}',
  '\nsidekick_ready 1',
];

const TRICKS = [
  '\u001b[2J\u001b[H',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\u202e',
  '\u2066',
  '\u200f',
  '\u0000',
];

export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ maxLength: 10 }),
      fc.constantFrom(...FALSE_LINES, ...TRICKS, '\r', '\t', '\u007f', '\ud83d', '\\u001', '\\'),
      fc.integer({ min: 1, max: 3000 }).map((length) => 'x'.repeat(length)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
