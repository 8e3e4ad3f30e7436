/**
 * The balancing table of a group, as it lies in shared memory. It is laid out beforehand, so that
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
 * A record's uid is followed by no address when its server was taken out and the table has not been laid out anew yet.
 *
 * A change writes the set of chunks that the present header does not name, and then the header. So whoever has read a
 * header finds the chunks it was written with.
 */

import * as quick from './quick.js';

/** How a row is chosen: `r` the next one, `h` by hash of a key, `l` the least loaded of a few. */
export type Mode = 'r' | 'h' | 'l';

/** Which of its two sets of chunks a table uses. */
export type ChunkSet = `${typeof quick.FORMAT}${'a' | 'b'}`;

/** What a table holds: records, in ascending order of their uids, and the row order as indexes into them. */
export interface Layout {
  mode: Mode;
  records: string[];
  rows: number[];
  /** The variable whose value a group that hashes goes by, without its `$`. */
  key?: string;
}

/** How a layout is written: what its header says of it. */
export interface Form {
  flags: number;
  /** Columns of a record. */
  width: number;
  digits: number;
  rowChunks: number;
  recordChunks: number;
}

/** A table's values in shared memory; the header is last because writing it makes the rest valid. */
export interface Packed {
  chunks: string[];
  header: string;
}

/** Up to this many rows or records lie in the header. */
const INLINE = quick.RECORDS_AT - quick.ROWS_AT;
const VERSION_AT = 11;
const VERSION_WIDTH = quick.ROWS_AT - VERSION_AT;
/** Fills a record that was struck: it has no space, so quick.ts finds no address in it and leaves the choice to pick.ts. */
const STRUCK = '~';
/** The variable that the quick path has at hand. */
const CLIENT_ID = 'mqtt_client_id';

function pad(text: string, width: number): string {
  let padded = text;
  while (padded.length < width) padded += ' ';
  return padded;
}

/** A number as that many digits of base 90. */
function encode(value: number, digits: number): string {
  const low = String.fromCharCode(quick.ZERO + (value % quick.BASE));
  if (digits === 1 && value < quick.BASE) return low;
  if (digits !== 2 || value >= quick.BASE * quick.BASE) throw new Error(`${value} has too many digits`);
  return String.fromCharCode(quick.ZERO + Math.floor(value / quick.BASE)) + low;
}

/** Whether a record says more than who the server is and where: a limit, or what its load is measured by. */
export function isPlain(record: string): boolean {
  return record.indexOf(' ') === record.lastIndexOf(' ');
}

/** How the quick path chooses from a table, or that it has to leave that to pick.ts. `plain` is that all records are. */
function method(layout: Layout, plain: boolean): number {
  // Where there are limits, the first choice may not be the last.
  if (!plain || layout.rows.length === 0 || layout.mode === 'l') return quick.BY_PICK;
  if (layout.mode === 'r') return quick.IN_TURN;
  return layout.key === CLIENT_ID ? quick.BY_CLIENT_ID : quick.BY_VARIABLE;
}

/** The set that a change of a table has to use. `header` is the present one. */
export function spare(header: string | undefined): ChunkSet {
  return header === undefined || header.charCodeAt(0) < quick.FLAGS || used(header) === '%b' ? '%a' : '%b';
}

/** The set that a header names. */
export function used(header: string): ChunkSet {
  return (header.charCodeAt(0) & quick.SET_B) === 0 ? '%a' : '%b';
}

/** What has to be known of all records and rows before any is written; it may be gathered bit by bit. */
export interface Traits {
  width: number;
  plain: boolean;
  /** Whether each row is the record of its number. */
  inOrder: boolean;
}

/** Traits of a layout. */
export function traits(layout: Layout): Traits {
  const found = { width: 0, plain: true, inOrder: layout.rows.length === layout.records.length };
  for (let i = 0; i < layout.records.length; i++) {
    const record = layout.records[i] as string;
    found.width = Math.max(found.width, record.length);
    if (!isPlain(record)) found.plain = false;
  }
  for (let i = 0; found.inOrder && i < layout.rows.length; i++) found.inOrder = layout.rows[i] === i;
  return found;
}

/** Where the rows of a table lie: nowhere when they are the records in their order, few in the header, else in chunks. */
function flagsOfRows(layout: Layout, digits: number, inOrder: boolean): number {
  if (inOrder) return quick.IN_ORDER;
  if (layout.rows.length <= INLINE && digits === 1) return 0;
  return quick.ROWS_IN_CHUNKS + (digits === 2 ? quick.TWO_DIGITS : 0);
}

/** The form in which a layout is written to a set of chunks. */
export function form(layout: Layout, found: Traits, set: ChunkSet): Form {
  const count = layout.records.length;
  const digits = count <= quick.BASE ? 1 : 2;
  const rows = flagsOfRows(layout, digits, found.inOrder);
  const recordChunks = count <= INLINE ? 0 : Math.ceil(count / quick.RECORDS);
  return {
    flags:
      method(layout, found.plain) +
      rows +
      (set === '%b' ? quick.SET_B : 0) +
      (recordChunks === 0 ? 0 : quick.RECORDS_IN_CHUNKS),
    // A space at the end, so that no record runs into the next.
    width: found.width + 1,
    digits: digits,
    rowChunks: rows >= quick.ROWS_IN_CHUNKS ? Math.ceil(layout.rows.length / quick.ROWS) : 0,
    recordChunks: recordChunks,
  };
}

/** How many chunks a table has. */
export function chunkCount(shape: Form): number {
  return shape.rowChunks + shape.recordChunks;
}

function rowText(layout: Layout, shape: Form, from: number, to: number): string {
  return layout.rows
    .slice(from, to)
    .map((index) => encode(index, shape.digits))
    .join('');
}

function recordText(layout: Layout, shape: Form, from: number, to: number): string {
  return layout.records
    .slice(from, to)
    .map((record) => pad(record, shape.width))
    .join('');
}

/** One chunk: those with rows come first, then those with records. */
export function chunk(layout: Layout, shape: Form, number: number): string {
  if (number < shape.rowChunks) return rowText(layout, shape, number * quick.ROWS, (number + 1) * quick.ROWS);
  const at = (number - shape.rowChunks) * quick.RECORDS;
  return recordText(layout, shape, at, at + quick.RECORDS);
}

/** The header. `version` distinguishes this table from every other the group ever had. */
export function header(layout: Layout, shape: Form, version: number): string {
  const inline = (shape.flags & (quick.ROWS_IN_CHUNKS | quick.IN_ORDER)) === 0;
  const columns =
    String.fromCharCode(quick.FLAGS + shape.flags) +
    encode(layout.records.length === 0 ? 0 : shape.width, 1) +
    layout.mode +
    pad(`${layout.rows.length}`, 6) +
    encode(shape.rowChunks, 2) +
    pad(`${version}`, VERSION_WIDTH) +
    pad(inline ? rowText(layout, shape, 0, INLINE) : '', INLINE) +
    (shape.recordChunks === 0 ? recordText(layout, shape, 0, INLINE) : '');
  return layout.key === undefined ? columns : `${columns} ${layout.key}`;
}

/** Lays a table out for a set of chunks, all at once. */
export function pack(layout: Layout, set: ChunkSet, version: number): Packed {
  const shape = form(layout, traits(layout), set);
  const chunks: string[] = [];
  for (let i = 0; i < chunkCount(shape); i++) chunks.push(chunk(layout, shape, i));
  return { chunks: chunks, header: header(layout, shape, version) };
}

/** The same header under another version: whoever has read a record by the old one looks again. */
export function renewed(text: string, version: number): string {
  return text.substring(0, VERSION_AT) + pad(`${version}`, VERSION_WIDTH) + text.substring(quick.ROWS_AT);
}

/** The same header, which leaves every choice to pick.ts. */
export function thorough(text: string): string {
  const flags = (text.charCodeAt(0) - quick.FLAGS) | quick.BY_PICK;
  return String.fromCharCode(quick.FLAGS + flags) + text.substring(1);
}

/** Where a record lies: in a chunk or, without one, in the header. */
export interface Spot {
  chunk?: string;
  at: number;
  width: number;
}

/**
 * Where the record of a server lies, `undefined` when it has none. `key` names the table, `chunks` says how many it has
 * and `get` reads shared memory.
 */
export function find(
  get: (key: string) => string | undefined,
  key: string,
  text: string,
  chunks: number,
  uid: number,
): Spot | undefined {
  const width = text.charCodeAt(1) - quick.ZERO;
  if (width <= 0) return undefined;
  if ((text.charCodeAt(0) & quick.RECORDS_IN_CHUNKS) === 0)
    return within(text, quick.RECORDS_AT, width, uid, undefined);
  let low = (text.charCodeAt(9) - quick.ZERO) * quick.BASE + text.charCodeAt(10) - quick.ZERO;
  let high = chunks - 1;
  // The last chunk whose first record is not behind the wanted one.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const found = get(key + used(text) + middle);
    if (found !== undefined && Number.parseInt(found, 10) <= uid) low = middle;
    else high = middle - 1;
  }
  const name = key + used(text) + low;
  const records = get(name);
  return records === undefined ? undefined : within(records, 0, width, uid, name);
}

function within(
  records: string,
  start: number,
  width: number,
  uid: number,
  name: string | undefined,
): Spot | undefined {
  for (let at = start; at + width <= records.length; at += width) {
    if (Number.parseInt(records.substring(at, at + width), 10) !== uid) continue;
    return name === undefined ? { at: at, width: width } : { chunk: name, at: at, width: width };
  }
  return undefined;
}

/** A header or chunk in which a record has lost its address, so that nobody is sent there. */
export function struck(text: string, spot: Spot, uid: number): string {
  let mark = `${uid}`;
  while (mark.length < spot.width) mark += STRUCK;
  return text.substring(0, spot.at) + mark + text.substring(spot.at + spot.width);
}
