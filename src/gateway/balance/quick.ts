/**
 * What every request does: it chooses a server and is counted in, and counted out again when it is over.
 *
 * njs gives each request a fresh interpreter, in which everything is touched for the first time: each function, each
 * method of a string, each property of an object and each `let` or `const` takes memory that is cold. That, and not the
 * number of operations, is what a request pays for. So these are few functions, with `var`, that call few methods; and
 * whatever is not the usual case is in pick.ts.
 */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';

/** The part of an njs dictionary of strings that choosing needs. */
export interface Strings {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
}

/** The part of an njs dictionary of numbers that choosing needs; `incr` is atomic over all workers. */
export interface Numbers {
  get(key: string): number | undefined;
  incr(key: string, by: number): number;
}

/** NGINX's variables of a request or session; `upstream` names its group, `pid` the worker. */
export interface Variables {
  [name: string]: string | undefined;
}

/**
 * What one request adds to a worker's counter of a server: one active in the low 20 bits and one request
 * above them, so that both cost a single operation.
 */
export const ACTIVE_LIMIT = 1048576;
export const TAKE = ACTIVE_LIMIT + 1;

/** Columns of a table's header, its digits, and rows and records of a chunk: see table.ts. */
export const COLUMNS = 27;
export const BASE = 90;
export const ZERO = 33;
export const ROWS = 128;
export const RECORDS = 16;
/**
 * What every table of this format has at {@link FORMAT_AT}. Shared memory outlives a reload, and with it tables that were
 * laid out by another version of these modules: they count as not there until they are laid out anew.
 */
export const FORMAT = '#';
const FORMAT_AT = 13;
// Characters of a header.
const FORMAT_CODE = 35;
const NONE = 48;
const HASH = 104;
const IN_TURN = 114;
const INLINE = 105;

/** Bucket of a key: the first 13 bits of its SHA-256, as ring.ts lays the buckets out. */
export function bucket(key: string | undefined): number {
  var digest = crypto
    .createHash('sha256')
    .update(key === undefined ? '' : key)
    .digest();
  return (digest[0] as number) * 32 + ((digest[1] as number) >> 3);
}

/** Makes a worker's counters known. Two workers at once may lose one: the periodic task mends that. */
export function register(tables: Strings, pid: string): void {
  const pids = tables.get(' pids');
  if (pids === undefined) tables.set(' pids', pid);
  else if (` ${pids} `.indexOf(` ${pid} `) < 0) tables.set(' pids', `${pids} ${pid}`);
}

/** The header of a group's table; `undefined` when there is none that these modules can read. */
export function readable(tables: Strings, group: string): string | undefined {
  var header = tables.get(group);
  return header !== undefined && header.charCodeAt(FORMAT_AT) === FORMAT_CODE ? header : undefined;
}

/** Name of the variable that a group that hashes goes by. */
export function key(header: string): string {
  var length = (header.charCodeAt(11) - ZERO) * BASE + header.charCodeAt(12) - ZERO;
  return header.substring(COLUMNS, COLUMNS + length);
}

/** The record that a row of a table points to; `''` when the table has been replaced twice since its header was read. */
export function record(tables: Strings, group: string, header: string, row: number): string {
  var digits = header.charCodeAt(8) - ZERO;
  var width = header.charCodeAt(7) - ZERO;
  var at = COLUMNS + (header.charCodeAt(11) - ZERO) * BASE + header.charCodeAt(12) - ZERO;
  var place = at + row * digits;
  var rows: string | undefined = header;
  if (header.charCodeAt(9) === INLINE) at += digits * +header.substring(0, 6);
  else {
    rows = tables.get(group + header.substring(13, 15) + (row - (row % ROWS)) / ROWS);
    place = (row % ROWS) * digits;
  }
  if (rows === undefined) return '';
  var index = rows.charCodeAt(place) - ZERO;
  if (digits === 2) index = index * BASE + rows.charCodeAt(place + 1) - ZERO;
  if (header.charCodeAt(10) === INLINE) {
    at += index * width;
    return header.substring(at, at + width);
  }
  var chunk = (header.charCodeAt(15) - ZERO) * BASE + header.charCodeAt(16) - ZERO;
  chunk += (index - (index % RECORDS)) / RECORDS;
  var records = tables.get(group + header.substring(13, 15) + chunk);
  at = (index % RECORDS) * width;
  return records === undefined ? '' : records.substring(at, at + width);
}

/**
 * Chooses a server for a request of the usual kind, of a group that goes in turn or by hash and has no `max_conns`, and
 * counts it active. Returns the address, and leaves the name of the counter in `$gateway_counter`; `''` refers to pick.ts.
 */
export function choose(tables: Strings, counters: Numbers, variables: Variables): string {
  var group = variables.upstream as string;
  var header = tables.get(group);
  if (header === undefined || header.charCodeAt(FORMAT_AT) !== FORMAT_CODE || header.charCodeAt(0) === NONE)
    return '';
  var mode = header.charCodeAt(6);
  var row: number;
  if (mode === HASH) row = bucket(variables[key(header)]);
  else if (mode === IN_TURN) row = counters.incr(group, 1) % +header.substring(0, 6);
  else return '';
  var chosen = record(tables, group, header, row);
  var space = chosen.indexOf(' ');
  if (space < 0) return '';
  var pid = variables.pid as string;
  var counter = chosen.substring(0, space) + '/' + pid;
  if (counters.incr(counter, TAKE) === TAKE) register(tables, pid);
  // Counted in, then looked again: either this sees a change of the group, or the change's author sees the count.
  if (tables.get(group) !== header) {
    counters.incr(counter, -TAKE);
    return '';
  }
  variables.gateway_counter = counter;
  return chosen.substring(space + 1, chosen.indexOf(' ', space + 1));
}

/** Counts a request or session out. Returns the uid of its server, `''` if it has none. */
export function release(counters: Numbers, variables: Variables): string {
  var counter = variables.gateway_counter;
  if (!counter) return '';
  counters.incr(counter, -1);
  var uid = counter.substring(0, counter.indexOf('/'));
  var text = variables.upstream_bytes_sent;
  // A list, left by retries, is no number.
  var sent = +(text as string) || +(last(text) as string);
  if (sent > 0) counters.incr(uid + '/sent', sent);
  text = variables.upstream_bytes_received;
  var received = +(text as string) || +(last(text) as string);
  if (received > 0) counters.incr(uid + '/received', received);
  return uid;
}

/** The last of a list of figures: that of the server a request came to last. */
export function last(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = Math.max(text.lastIndexOf(' '), text.lastIndexOf(','));
  return at < 0 ? text : text.substring(at + 1);
}
