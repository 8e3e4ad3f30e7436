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

import * as fastPath from './fast-path.js';

/** How a row is chosen: `r` the next one, `h` by hash of a key, `l` the least loaded of a few. */
export type Mode = 'r' | 'h' | 'l';

/** Which of its two sets of chunks a table uses. */
export type ChunkSet = `${typeof fastPath.FORMAT}${'a' | 'b'}`;

/** What a table holds: records, in ascending order of their uids, and the row order as indexes into them. */
export interface Layout {
  mode: Mode;
  records: string[];
  rows: number[];
  /** The variable whose value a group that hashes goes by, without its `$`. */
  key?: string;
}

/** How a layout is written: what its header says of it. */
export interface Shape {
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
const INLINE = fastPath.RECORDS_AT - fastPath.ROWS_AT;
const VERSION_AT = 11;
const VERSION_WIDTH = fastPath.ROWS_AT - VERSION_AT;
/** Fills a record that was struck: it has no space, so quick.ts finds no address in it and leaves the choice to pick.ts. */
const FILLER = '~';
/** The variable that the quick path has at hand. */
const CLIENT_ID = 'mqtt_client_id';

function pad(text: string, width: number): string {
  let padded = text;
  while (padded.length < width) padded += ' ';
  return padded;
}

/** A number as that many digits of base 90. */
function encode(value: number, digits: number): string {
  const low = String.fromCharCode(fastPath.ZERO + (value % fastPath.BASE));
  if (digits === 1 && value < fastPath.BASE) return low;
  if (digits !== 2 || value >= fastPath.BASE * fastPath.BASE) throw new Error(`${value} has too many digits`);
  return String.fromCharCode(fastPath.ZERO + Math.floor(value / fastPath.BASE)) + low;
}

/** Whether a record says more than who the server is and where: a limit, or what its load is measured by. */
export function isPlain(record: string): boolean {
  return record.indexOf(' ') === record.lastIndexOf(' ');
}

/** How the quick path chooses from a table, or that it has to leave that to pick.ts. `plain` is that all records are. */
function method(layout: Layout, plain: boolean): number {
  // Where there are limits, the first choice may not be the last.
  if (!plain || layout.rows.length === 0 || layout.mode === 'l') return fastPath.BY_SELECTION;
  if (layout.mode === 'r') return fastPath.IN_TURN;
  return layout.key === CLIENT_ID ? fastPath.BY_CLIENT_ID : fastPath.BY_VARIABLE;
}

/** The set that a change of a table has to use. `header` is the present one. */
export function spareSet(header: string | undefined): ChunkSet {
  return header === undefined || header.charCodeAt(0) < fastPath.FLAGS_BASE || usedSet(header) === '%b'
    ? '%a'
    : '%b';
}

/** The set that a header names. */
export function usedSet(header: string): ChunkSet {
  return (header.charCodeAt(0) & fastPath.SET_B) === 0 ? '%a' : '%b';
}

/** What has to be known of all records and rows before any is written; it may be gathered bit by bit. */
export interface Traits {
  width: number;
  plain: boolean;
  /** Whether each row is the record of its number. */
  inOrder: boolean;
}

/** Traits of a layout. */
export function traitsOf(layout: Layout): Traits {
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
  if (inOrder) return fastPath.IN_ORDER;
  if (layout.rows.length <= INLINE && digits === 1) return 0;
  return fastPath.ROWS_IN_CHUNKS + (digits === 2 ? fastPath.TWO_DIGITS : 0);
}

/** The form in which a layout is written to a set of chunks. */
export function shapeOf(layout: Layout, found: Traits, set: ChunkSet): Shape {
  const count = layout.records.length;
  const digits = count <= fastPath.BASE ? 1 : 2;
  const rows = flagsOfRows(layout, digits, found.inOrder);
  const recordChunks = count <= INLINE ? 0 : Math.ceil(count / fastPath.RECORDS_PER_CHUNK);
  return {
    flags:
      method(layout, found.plain) +
      rows +
      (set === '%b' ? fastPath.SET_B : 0) +
      (recordChunks === 0 ? 0 : fastPath.RECORDS_IN_CHUNKS),
    // A space at the end, so that no record runs into the next.
    width: found.width + 1,
    digits: digits,
    rowChunks: rows >= fastPath.ROWS_IN_CHUNKS ? Math.ceil(layout.rows.length / fastPath.ROWS_PER_CHUNK) : 0,
    recordChunks: recordChunks,
  };
}

/** How many chunks a table has. */
export function chunkCount(shape: Shape): number {
  return shape.rowChunks + shape.recordChunks;
}

function rowText(layout: Layout, shape: Shape, from: number, to: number): string {
  return layout.rows
    .slice(from, to)
    .map((index) => encode(index, shape.digits))
    .join('');
}

function recordText(layout: Layout, shape: Shape, from: number, to: number): string {
  return layout.records
    .slice(from, to)
    .map((record) => pad(record, shape.width))
    .join('');
}

/** One chunk: those with rows come first, then those with records. */
export function chunk(layout: Layout, shape: Shape, number: number): string {
  if (number < shape.rowChunks)
    return rowText(layout, shape, number * fastPath.ROWS_PER_CHUNK, (number + 1) * fastPath.ROWS_PER_CHUNK);
  const at = (number - shape.rowChunks) * fastPath.RECORDS_PER_CHUNK;
  return recordText(layout, shape, at, at + fastPath.RECORDS_PER_CHUNK);
}

/** The header. `version` distinguishes this table from every other the group ever had. */
export function header(layout: Layout, shape: Shape, version: number): string {
  const inline = (shape.flags & (fastPath.ROWS_IN_CHUNKS | fastPath.IN_ORDER)) === 0;
  const columns =
    String.fromCharCode(fastPath.FLAGS_BASE + shape.flags) +
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
  const shape = shapeOf(layout, traitsOf(layout), set);
  const chunks: string[] = [];
  for (let i = 0; i < chunkCount(shape); i++) chunks.push(chunk(layout, shape, i));
  return { chunks: chunks, header: header(layout, shape, version) };
}

/** The same header under another version: whoever has read a record by the old one looks again. */
export function withVersion(text: string, version: number): string {
  return text.substring(0, VERSION_AT) + pad(`${version}`, VERSION_WIDTH) + text.substring(fastPath.ROWS_AT);
}

/** The same header, which leaves every choice to pick.ts. */
export function forSelection(text: string): string {
  const flags = (text.charCodeAt(0) - fastPath.FLAGS_BASE) | fastPath.BY_SELECTION;
  return String.fromCharCode(fastPath.FLAGS_BASE + flags) + text.substring(1);
}

/** Where a record lies: in a chunk or, without one, in the header. */
export interface RecordPlace {
  chunk?: string;
  at: number;
  width: number;
}

/**
 * Where the record of a server lies, `undefined` when it has none. `key` names the table, `chunks` says how many it has
 * and `get` reads shared memory.
 */
export function findRecord(
  get: (key: string) => string | undefined,
  key: string,
  text: string,
  chunks: number,
  uid: number,
): RecordPlace | undefined {
  const width = text.charCodeAt(1) - fastPath.ZERO;
  if (width <= 0) return undefined;
  if ((text.charCodeAt(0) & fastPath.RECORDS_IN_CHUNKS) === 0)
    return within(text, fastPath.RECORDS_AT, width, uid, undefined);
  let low = (text.charCodeAt(9) - fastPath.ZERO) * fastPath.BASE + text.charCodeAt(10) - fastPath.ZERO;
  let high = chunks - 1;
  // The last chunk whose first record is not behind the wanted one.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const found = get(key + usedSet(text) + middle);
    if (found !== undefined && Number.parseInt(found, 10) <= uid) low = middle;
    else high = middle - 1;
  }
  const name = key + usedSet(text) + low;
  const records = get(name);
  return records === undefined ? undefined : within(records, 0, width, uid, name);
}

function within(
  records: string,
  start: number,
  width: number,
  uid: number,
  name: string | undefined,
): RecordPlace | undefined {
  for (let at = start; at + width <= records.length; at += width) {
    if (Number.parseInt(records.substring(at, at + width), 10) !== uid) continue;
    return name === undefined ? { at: at, width: width } : { chunk: name, at: at, width: width };
  }
  return undefined;
}

/** A header or chunk in which a record has lost its address, so that nobody is sent there. */
export function withoutAddress(text: string, spot: RecordPlace, uid: number): string {
  let mark = `${uid}`;
  while (mark.length < spot.width) mark += FILLER;
  return text.substring(0, spot.at) + mark + text.substring(spot.at + spot.width);
}
