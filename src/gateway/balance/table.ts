/** Builds and edits the tables whose format is described in table-format.ts. */

import * as tableFormat from './table-format.js';

/** How a row is selected: `r` in turn, `h` by the hash of a key, `l` the least loaded of a few. */
export type Mode = 'r' | 'h' | 'l';

/** Which of its two sets of chunks a table uses. */
export type ChunkSet = `${typeof tableFormat.FORMAT}${'a' | 'b'}`;

/** The contents of a table: records, in ascending order of their uids, and rows, which are indexes into them. */
export interface Layout {
  mode: Mode;
  records: string[];
  rows: number[];
  /** The variable by whose value the group hashes, without its `$`. */
  key?: string;
}

/** How a layout is stored, as its header describes it. */
export interface Shape {
  flags: number;
  /** Width of a record, in characters. */
  width: number;
  digits: number;
  rowChunks: number;
  recordChunks: number;
}

/** The header has room for this many rows and records. */
const INLINE = tableFormat.RECORDS_AT - tableFormat.ROWS_AT;
const VERSION_AT = 11;
const VERSION_WIDTH = tableFormat.ROWS_AT - VERSION_AT;
/** Fills a record without an address. Without a space in it, the fast path finds no address and does not apply. */
const FILLER = '~';
/** The variable whose value the fast path gets as an argument. */
const CLIENT_ID = 'mqtt_client_id';

function pad(text: string, width: number): string {
  let padded = text;
  while (padded.length < width) padded += ' ';
  return padded;
}

/** A number in base 90, with so many digits. */
function encode(value: number, digits: number): string {
  const low = String.fromCharCode(tableFormat.ZERO + (value % tableFormat.BASE));
  if (digits === 1 && value < tableFormat.BASE) return low;
  if (digits !== 2 || value >= tableFormat.BASE * tableFormat.BASE)
    throw new Error(`${value} has too many digits`);
  return String.fromCharCode(tableFormat.ZERO + Math.floor(value / tableFormat.BASE)) + low;
}

/** Whether a record consists of uid and address alone, without `max_conns` and weight. */
export function isPlain(record: string): boolean {
  return record.indexOf(' ') === record.lastIndexOf(' ');
}

/** The flag that says how a server is selected. `plain`: all records are. */
function method(layout: Layout, plain: boolean): number {
  // With limits, more than one record may have to be examined.
  if (!plain || layout.rows.length === 0 || layout.mode === 'l') return tableFormat.BY_SELECTION;
  if (layout.mode === 'r') return tableFormat.IN_TURN;
  return layout.key === CLIENT_ID ? tableFormat.BY_CLIENT_ID : tableFormat.BY_VARIABLE;
}

/** The set of chunks that the next table has to use. `header` is the present one. */
export function spareSet(header: string | undefined): ChunkSet {
  return header === undefined || header.charCodeAt(0) < tableFormat.FLAGS_BASE || usedSet(header) === '%b'
    ? '%a'
    : '%b';
}

/** The set of chunks that a header names. */
export function usedSet(header: string): ChunkSet {
  return (header.charCodeAt(0) & tableFormat.SET_B) === 0 ? '%a' : '%b';
}

/** What has to be known about all records and rows before the first is written. It can be collected step by step. */
export interface Traits {
  width: number;
  plain: boolean;
  /** Whether row n is record n, for all rows. */
  inOrder: boolean;
}

/** The flags that say where the rows are stored: nowhere if they are in order, few in the header, many in chunks. */
function flagsOfRows(layout: Layout, digits: number, inOrder: boolean): number {
  if (inOrder) return tableFormat.IN_ORDER;
  if (layout.rows.length <= INLINE && digits === 1) return 0;
  return tableFormat.ROWS_IN_CHUNKS + (digits === 2 ? tableFormat.TWO_DIGITS : 0);
}

/** The shape in which a layout is written to a set of chunks. */
export function shapeOf(layout: Layout, found: Traits, set: ChunkSet): Shape {
  const count = layout.records.length;
  const digits = count <= tableFormat.BASE ? 1 : 2;
  const rows = flagsOfRows(layout, digits, found.inOrder);
  const recordChunks = count <= INLINE ? 0 : Math.ceil(count / tableFormat.RECORDS_PER_CHUNK);
  return {
    flags:
      method(layout, found.plain) +
      rows +
      (set === '%b' ? tableFormat.SET_B : 0) +
      (recordChunks === 0 ? 0 : tableFormat.RECORDS_IN_CHUNKS),
    // With a space behind the longest record.
    width: found.width + 1,
    digits: digits,
    rowChunks:
      rows >= tableFormat.ROWS_IN_CHUNKS ? Math.ceil(layout.rows.length / tableFormat.ROWS_PER_CHUNK) : 0,
    recordChunks: recordChunks,
  };
}

/** The number of chunks of a table. */
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

/** A chunk by its number: first those with rows, then those with records. */
export function chunk(layout: Layout, shape: Shape, number: number): string {
  if (number < shape.rowChunks)
    return rowText(
      layout,
      shape,
      number * tableFormat.ROWS_PER_CHUNK,
      (number + 1) * tableFormat.ROWS_PER_CHUNK,
    );
  const at = (number - shape.rowChunks) * tableFormat.RECORDS_PER_CHUNK;
  return recordText(layout, shape, at, at + tableFormat.RECORDS_PER_CHUNK);
}

/** The header. `version` is one that no table of the group has had before. */
export function header(layout: Layout, shape: Shape, version: number): string {
  const inline = (shape.flags & (tableFormat.ROWS_IN_CHUNKS | tableFormat.IN_ORDER)) === 0;
  const columns =
    String.fromCharCode(tableFormat.FLAGS_BASE + shape.flags) +
    encode(layout.records.length === 0 ? 0 : shape.width, 1) +
    layout.mode +
    pad(`${layout.rows.length}`, 6) +
    encode(shape.rowChunks, 2) +
    pad(`${version}`, VERSION_WIDTH) +
    pad(inline ? rowText(layout, shape, 0, INLINE) : '', INLINE) +
    (shape.recordChunks === 0 ? recordText(layout, shape, 0, INLINE) : '');
  return layout.key === undefined ? columns : `${columns} ${layout.key}`;
}

/** The same header with another version: whoever has read a record by the old one reads it again. */
export function withVersion(text: string, version: number): string {
  return (
    text.substring(0, VERSION_AT) + pad(`${version}`, VERSION_WIDTH) + text.substring(tableFormat.ROWS_AT)
  );
}

/** The same header, for which the fast path does not apply. */
export function forSelection(text: string): string {
  const flags = (text.charCodeAt(0) - tableFormat.FLAGS_BASE) | tableFormat.BY_SELECTION;
  return String.fromCharCode(tableFormat.FLAGS_BASE + flags) + text.substring(1);
}

/** Where a record is stored: in a chunk or, without one, in the header. */
interface RecordPlace {
  chunk?: string;
  at: number;
  width: number;
}

/**
 * Finds the record of a server; `undefined` if it has none. `key` is the table's, `text` its header, `chunks` the number of
 * its chunks, and `get` reads shared memory.
 */
export function findRecord(
  get: (key: string) => string | undefined,
  key: string,
  text: string,
  chunks: number,
  uid: number,
): RecordPlace | undefined {
  const width = text.charCodeAt(1) - tableFormat.ZERO;
  if (width <= 0) return undefined;
  if ((text.charCodeAt(0) & tableFormat.RECORDS_IN_CHUNKS) === 0)
    return within(text, tableFormat.RECORDS_AT, width, uid, undefined);
  let low =
    (text.charCodeAt(9) - tableFormat.ZERO) * tableFormat.BASE + text.charCodeAt(10) - tableFormat.ZERO;
  let high = chunks - 1;
  // Binary search for the last chunk whose first record is not behind the wanted one.
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

/** A header or chunk in which a record has no address any more, so that the server gets no requests. */
export function withoutAddress(text: string, place: RecordPlace, uid: number): string {
  let record = `${uid}`;
  while (record.length < place.width) record += FILLER;
  return text.substring(0, place.at) + record + text.substring(place.at + place.width);
}
