/** Bytes of a protocol made bad, and cut into pieces as a network does. */
import { fc } from '../../support/property.js';

interface Edit {
  readonly how: 'flip' | 'set' | 'insert' | 'cut' | 'end';
  /** In parts of a thousand of the length, or, for the first bytes where the lengths are, the place itself. */
  readonly at: number;
  readonly early: boolean;
  readonly bytes: readonly number[];
}

const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 127, 128, 255));

const edit: fc.Arbitrary<Edit> = fc.record({
  how: fc.constantFrom('flip', 'set', 'insert', 'cut', 'end'),
  at: fc.nat(1000),
  early: fc.boolean(),
  bytes: fc.array(byte, { minLength: 1, maxLength: 6 }),
});

function edited(good: Buffer, { how, at, early, bytes }: Edit): Buffer {
  const place = early ? Math.min(at % 16, good.length) : Math.round((good.length * at) / 1000);
  const [before, after] = [good.subarray(0, place), good.subarray(place)];
  switch (how) {
    case 'flip':
      return Buffer.concat([
        before,
        Buffer.from(after.map((old, i) => (i === 0 ? old ^ (bytes[0] || 1) : old))),
      ]);
    case 'set':
      return Buffer.concat([before, Buffer.from(bytes), after.subarray(bytes.length)]);
    case 'insert':
      return Buffer.concat([before, Buffer.from(bytes), after]);
    case 'cut':
      return Buffer.concat([before, after.subarray(bytes.length)]);
    case 'end':
      return Buffer.from(before);
  }
}

/** The bytes with one to three changes. */
export function spoiltBytes(good: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(good, fc.array(edit, { minLength: 1, maxLength: 3 }))
    .map(([bytes, edits]) => edits.reduce(edited, bytes));
}

/** The bytes in pieces; `at` are the cuts, as parts of a thousand. */
export function pieces(bytes: Buffer, at: readonly number[]): readonly Buffer[] {
  const places = [...new Set(at.map((part) => Math.round((bytes.length * part) / 1000)))].sort(
    (a, b) => a - b,
  );
  const ends = [...places.filter((place) => place > 0 && place < bytes.length), bytes.length];
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}
