import { expect, it } from 'vitest';
import { printAtOnce } from '../../../src/commands/standard-output.js';

/** Prints a text where each write takes at most some bytes, and one fails after some writes. */
function print(text: string, { atMost = 100, failsAfter = Infinity, code = '' }) {
  const written: Uint8Array[] = [];
  const later: Uint8Array[] = [];
  printAtOnce(
    text,
    (bytes) => {
      if (written.length >= failsAfter) throw Object.assign(new Error(code), { code });
      written.push(bytes.slice(0, atMost));
      return Math.min(atMost, bytes.length);
    },
    (bytes) => later.push(bytes),
  );
  return { written: String(Buffer.concat(written)), later: String(Buffer.concat(later)) };
}

it('writes a text to its end, however little is taken at a time', () => {
  expect(print('Größe: ≤ 1.5\n', { atMost: 2 })).toEqual({ written: 'Größe: ≤ 1.5\n', later: '' });
});

it('stops when the reader has closed its pipe', () => {
  expect(print('one two', { atMost: 4, failsAfter: 1, code: 'EPIPE' })).toEqual({
    written: 'one ',
    later: '',
  });
});

it('writes the rest later when the pipe is full and does not block', () => {
  expect(print('one two', { atMost: 4, failsAfter: 1, code: 'EAGAIN' })).toEqual({
    written: 'one ',
    later: 'two',
  });
});
