/**
 * The balancing table of a group, as it lies in shared memory. The API lays it out on every change, so that
 * choosing a server costs a request the same whether there are ten servers or a thousand.
 *
 * It has rows, of which a request takes one in turn or by its hash, and records of equal width, `uid address
 * [max_conns [weight]]`, which rows point to. Few of them lie in the header itself, many in chunks under keys of their
 * own. The columns of a header:
 *
 *      0  flags: how servers are chosen, and where rows and records lie (quick.ts)
 *      1  width of a record, a digit
 *      2  mode
 *      3  number of rows, decimal
 *      9  number of the first chunk with records, two digits
 *     11  version
 *     21  up to sixteen rows, a digit each; none where a row is the record of the same number, as with equal weights
 *     37  up to sixteen records; behind them, of a group that hashes, a space and the name of its variable
 *
 * Digits are of base 90 and begin at `!`, since a number is cheaper to have from a character than from a text.
 *
 * A change writes the set of chunks that the present header does not name, and then the header. So whoever has read a
 * header finds the chunks it was written with.
 */

import * as quick from './quick.js';

/** How a row is chosen: `r` the next one, `h` by hash of a key, `l` the least loaded of a few. */
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
const INLINE = quick.RECORDS_AT - quick.ROWS_AT;
/** The variable that the quick path has at hand. */
const CLIENT_ID = 'mqtt_client_id';

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

/** How the quick path chooses from a table, or that it has to leave that to pick.ts. */
function method(layout: Layout): number {
  // Where there are limits, the first choice may not be the last.
  const limited = layout.records.some((record) => record.split(' ').length > 2);
  if (limited || layout.rows.length === 0 || layout.mode === 'l') return quick.BY_PICK;
  if (layout.mode === 'r') return quick.IN_TURN;
  return layout.key === CLIENT_ID ? quick.BY_CLIENT_ID : quick.BY_VARIABLE;
}

/** The set that a change of a table has to use. `header` is the present one. */
export function spare(header: string | undefined): ChunkSet {
  const inUse = header === undefined ? 0 : header.charCodeAt(0);
  return inUse >= quick.FLAGS && (inUse & quick.SET_B) === 0 ? '$b' : '$a';
}

/** Where the rows of a table lie: nowhere when they are the records in their order, few in the header, else in chunks. */
function flagsOfRows(layout: Layout, digits: number): number {
  const inOrder =
    layout.rows.length === layout.records.length && layout.rows.every((index, row) => index === row);
  if (inOrder) return quick.IN_ORDER;
  if (layout.rows.length <= INLINE && digits === 1) return 0;
  return quick.ROWS_IN_CHUNKS + (digits === 2 ? quick.TWO_DIGITS : 0);
}

/** Lays a table out for a set of chunks. */
export function pack(layout: Layout, set: ChunkSet): Packed {
  const records = align(layout.records);
  const digits = records.length <= quick.BASE ? 1 : 2;
  const flags = flagsOfRows(layout, digits);
  const rows = flags === quick.IN_ORDER ? [] : layout.rows.map((index) => encode(index, digits));
  const rowChunks = flags >= quick.ROWS_IN_CHUNKS ? chop(rows, quick.ROWS) : [];
  const recordChunks = records.length <= INLINE ? [] : chop(records, quick.RECORDS);
  const first =
    quick.FLAGS +
    method(layout) +
    flags +
    (set === '$b' ? quick.SET_B : 0) +
    (recordChunks.length === 0 ? 0 : quick.RECORDS_IN_CHUNKS);
  const columns =
    String.fromCharCode(first) +
    encode(records.length === 0 ? 0 : (records[0] as string).length, 1) +
    layout.mode +
    pad(`${layout.rows.length}`, 6) +
    encode(rowChunks.length, 2) +
    pad(`${layout.version}`, 10) +
    pad(rowChunks.length === 0 ? rows.join('') : '', INLINE) +
    (recordChunks.length === 0 ? records.join('') : '');
  return {
    chunks: rowChunks.concat(recordChunks),
    header: layout.key === undefined ? columns : `${columns} ${layout.key}`,
  };
}
