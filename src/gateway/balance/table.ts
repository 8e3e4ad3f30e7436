/**
 * The balancing table of a group, as it lies in shared memory. The API lays it out on every change, so that
 * choosing a server costs a request the same whether there are ten servers or a thousand.
 *
 * It has rows, of which a request takes one in turn or by its hash, and records of equal width, `uid address
 * [max_conns [weight]]`, which rows point to. Few of them lie in the header itself, many in chunks under keys of their
 * own; a group that hashes has the name of its variable in front of them. The columns of a header:
 *
 *      0  number of rows, decimal            10  `i`: records are in the header, `c`: in chunks
 *      6  mode                               11  length of the variable's name, two digits
 *      7  width of a record, a digit         13  the set of chunks, `#a` or `#b`
 *      8  digits of a row, a digit           15  number of the first chunk with records, two digits
 *      9  `i`: rows are in the header,       17  version
 *         `c`: in chunks
 *
 * Digits are of base 90 and begin at `!`, since a number is cheaper to have from a character than from a text.
 *
 * The `#` marks this format: a change of it takes another character, see quick.ts.
 *
 * A change writes the set of chunks that the present header does not name, and then the header. So whoever has read a
 * header finds the chunks it was written with.
 */

import * as quick from './quick.js';

/** How a row is chosen: `r` the next one, `h` by hash of a key, `l` the least loaded of a few; upper case: some have limits. */
export type Mode = 'r' | 'h' | 'l';

/** Which of its two sets of chunks a table uses. */
export type ChunkSet = `${typeof quick.FORMAT}${'a' | 'b'}`;

/** What a table holds before it is written: records, and the row order as indexes into them. */
export interface Layout {
  mode: Mode;
  records: string[];
  rows: number[];
  /** The variable whose value a group that hashes goes by, without its `$`. */
  key?: string;
  /** Distinguishes this table from every other the group ever had. */
  version: number;
}

/** A table's values in shared memory; the header is last because writing it makes the rest valid. */
export interface Packed {
  chunks: string[];
  header: string;
}

/** Up to this many rows or records lie in the header. */
const INLINE = 16;

function pad(text: string, width: number): string {
  let padded = text;
  while (padded.length < width) padded += ' ';
  return padded;
}

/** Texts padded to one width, which leaves a space at the end of each, so that none runs into the next. */
function align(texts: string[]): string[] {
  let width = 0;
  for (let i = 0; i < texts.length; i++) width = Math.max(width, (texts[i] as string).length);
  return texts.map((text) => pad(text, width + 1));
}

/** A number as that many digits of base 90. */
function encode(value: number, digits: number): string {
  const low = String.fromCharCode(quick.ZERO + (value % quick.BASE));
  if (digits === 1 && value < quick.BASE) return low;
  if (digits !== 2 || value >= quick.BASE * quick.BASE) throw new Error(`${value} has too many digits`);
  return String.fromCharCode(quick.ZERO + Math.floor(value / quick.BASE)) + low;
}

/** Joins texts, `size` at a time. */
function chop(texts: string[], size: number): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < texts.length; at += size) chunks.push(texts.slice(at, at + size).join(''));
  return chunks;
}

/** The set that a change of a table has to use. `header` is the present one. */
export function spare(header: string | undefined): ChunkSet {
  return header !== undefined && header.substring(13, 15) === '#a' ? '#b' : '#a';
}

/** Lays a table out for a set of chunks. */
export function pack(layout: Layout, set: ChunkSet): Packed {
  const records = align(layout.records);
  const digits = records.length <= quick.BASE ? 1 : 2;
  const rows = layout.rows.map((index) => encode(index, digits));
  const rowsInline = rows.length <= INLINE;
  const recordsInline = records.length <= INLINE;
  const rowChunks = rowsInline ? [] : chop(rows, quick.ROWS);
  // Upper case keeps the quick path off a table in which a choice may have to be a second one.
  const limited = layout.records.some((record) => record.split(' ').length > 2);
  const key = layout.key === undefined ? '' : layout.key;
  const header =
    pad(`${rows.length}`, 6) +
    (limited ? layout.mode.toUpperCase() : layout.mode) +
    encode(records.length === 0 ? 0 : (records[0] as string).length, 1) +
    encode(digits, 1) +
    (rowsInline ? 'i' : 'c') +
    (recordsInline ? 'i' : 'c') +
    encode(key.length, 2) +
    set +
    encode(rowChunks.length, 2) +
    pad(`${layout.version}`, 10) +
    key;
  return {
    chunks: recordsInline ? rowChunks : rowChunks.concat(chop(records, quick.RECORDS)),
    header: header + (rowsInline ? rows.join('') : '') + (recordsInline ? records.join('') : ''),
  };
}
