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
export interface Tables {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
}

/** The part of an njs dictionary of numbers that choosing needs; `incr` is atomic over all workers. */
export interface Counters {
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
export const REQUEST_UNIT = 1048577;

/** Where a header's rows and records begin, its digits, and rows and records of a chunk: see table.ts. */
export const ROWS_AT = 21;
export const RECORDS_AT = 37;
export const BASE = 90;
export const ZERO = 33;
export const ROWS_PER_CHUNK = 128;
export const RECORDS_PER_CHUNK = 16;
/**
 * The mark of this format. Shared memory outlives a reload, and with it tables that were laid out by another version of
 * these modules: they count as not there until they are laid out anew, under names with another mark.
 */
export const FORMAT = '%';
/** What the first character of a header says, which is 64 and the sum of these: of other formats it is below. */
export const FLAGS_BASE = 64;
export const SET_B = 1;
export const ROWS_IN_CHUNKS = 4;
/** Of rows in chunks: two digits each. Of rows that are not: there are none, since they are the records in their order. */
export const TWO_DIGITS = 2;
export const IN_ORDER = 2;
export const RECORDS_IN_CHUNKS = 8;
/** How a server is chosen: of these, one. The last leaves it to pick.ts. */
export const IN_TURN = 0;
export const BY_CLIENT_ID = 16;
export const BY_VARIABLE = 32;
export const BY_SELECTION = 48;

/** A server that was chosen: its uid, its address, and the counter on which the request was counted in. */
export type Choice = [uid: string, address: string, counter: string];

/** Bucket of a key: the first 13 bits of its SHA-256, as ring.ts lays the buckets out. */
export function bucket(key: string | undefined): number {
  var digest = crypto
    .createHash('sha256')
    .update(key === undefined ? '' : key)
    .digest();
  return (digest[0] as number) * 32 + ((digest[1] as number) >> 3);
}

/** Makes a worker's counters known. Two workers at once may lose one: the periodic task mends that. */
export function registerWorker(tables: Tables, pid: string): void {
  const pids = tables.get(' pids');
  if (pids === undefined) tables.set(' pids', pid);
  else if (` ${pids} `.indexOf(` ${pid} `) < 0) tables.set(' pids', `${pids} ${pid}`);
}

/** The header of a group's table; `undefined` when there is none that these modules can read. */
export function readHeader(tables: Tables, group: string): string | undefined {
  var header = tables.get(group);
  return header !== undefined && header.charCodeAt(0) >= FLAGS_BASE ? header : undefined;
}

/** Name of the variable that a group that hashes goes by: the last word of its header. */
export function hashVariable(header: string): string {
  return header.substring(header.lastIndexOf(' ') + 1);
}

/** The record that a row of a table points to; `''` when the table has been replaced twice since its header was read. */
export function readRecord(tables: Tables, group: string, header: string, row: number): string {
  var flags = header.charCodeAt(0);
  var chunk = group + ((flags & SET_B) === 0 ? '%a' : '%b');
  var index = row;
  var at: number;
  var rows: string | undefined;
  if ((flags & ROWS_IN_CHUNKS) !== 0) {
    rows = tables.get(chunk + (row - (row % ROWS_PER_CHUNK)) / ROWS_PER_CHUNK);
    if (rows === undefined) return '';
    if ((flags & TWO_DIGITS) === 0) index = rows.charCodeAt(row % ROWS_PER_CHUNK) - ZERO;
    else {
      at = (row % ROWS_PER_CHUNK) * 2;
      index = (rows.charCodeAt(at) - ZERO) * BASE + rows.charCodeAt(at + 1) - ZERO;
    }
  } else if ((flags & IN_ORDER) === 0) index = header.charCodeAt(ROWS_AT + row) - ZERO;
  var width = header.charCodeAt(1) - ZERO;
  var records: string | undefined = header;
  if ((flags & RECORDS_IN_CHUNKS) === 0) at = RECORDS_AT + index * width;
  else {
    at = (header.charCodeAt(9) - ZERO) * BASE + header.charCodeAt(10) - ZERO;
    records = tables.get(chunk + (at + (index - (index % RECORDS_PER_CHUNK)) / RECORDS_PER_CHUNK));
    if (records === undefined) return '';
    at = (index % RECORDS_PER_CHUNK) * width;
  }
  return records.substring(at, at + width);
}

/**
 * Chooses a server for a request of the usual kind, of a group that goes in turn or by hash and has no `max_conns`, and
 * counts it active. `clientId` is that of an MQTT session. `undefined` refers to pick.ts.
 */
export function choose(
  tables: Tables,
  counters: Counters,
  variables: Variables,
  clientId?: string,
): Choice | undefined {
  var group = variables.upstream as string;
  var header = tables.get(group);
  if (header === undefined) return undefined;
  var method = header.charCodeAt(0) - FLAGS_BASE;
  var row: number;
  if (method < 0 || method >= BY_SELECTION) return undefined;
  if (method < BY_CLIENT_ID) row = counters.incr(group, 1) % +header.substring(3, 9);
  else row = bucket(method < BY_VARIABLE ? clientId : variables[hashVariable(header)]);
  var chosen = readRecord(tables, group, header, row).split(' ');
  if (chosen.length < 2) return undefined;
  var pid = variables.pid as string;
  var counter = chosen[0] + '/' + pid;
  if (counters.incr(counter, REQUEST_UNIT) === REQUEST_UNIT) registerWorker(tables, pid);
  // Counted in, then looked again: either this sees a change of the group, or the change's author sees the count.
  if (tables.get(group) !== header) {
    counters.incr(counter, -REQUEST_UNIT);
    return undefined;
  }
  chosen[2] = counter;
  return chosen as unknown as Choice;
}

/** One request in sixteen is timed, as {@link release} counts them: see times.ts. */
const TIMED_PERIOD = 16777216;
const TIMED_UNTIL = 2097152;

/**
 * Counts a request or session out of the server and the counter on which it was counted in. True for the first that a
 * worker counts there, and for every sixteenth from then on: these are to be timed.
 */
export function release(counters: Counters, variables: Variables, uid: string, counter: string): boolean {
  var turn = counters.incr(counter, -1) % TIMED_PERIOD;
  var text = variables.upstream_bytes_sent;
  // A list, left by retries, is no number.
  var sent = +(text as string) || +(lastValue(text) as string);
  if (sent > 0) counters.incr(uid + '/sent', sent);
  text = variables.upstream_bytes_received;
  var received = +(text as string) || +(lastValue(text) as string);
  if (received > 0) counters.incr(uid + '/received', received);
  return turn >= ACTIVE_LIMIT && turn < TIMED_UNTIL;
}

/** The last of a list of figures: that of the server a request came to last. */
export function lastValue(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = Math.max(text.lastIndexOf(' '), text.lastIndexOf(','));
  return at < 0 ? text : text.substring(at + 1);
}
