/**
 * The fast path: what every request does. It selects a server and counts the request in, and counts it out at the end.
 *
 * njs gives each request a fresh interpreter, in which everything is used for the first time: each function, string
 * method, object property and `let` or `const` touches cold memory. That, and not the number of operations, is the cost
 * of a request. So there are few functions, with `var`, that call few methods; everything but the ordinary case is in
 * selection.ts.
 */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';
import type { Counters, Tables, Variables } from './shared-memory.js';
import {
  ACTIVE_LIMIT,
  BASE,
  BY_CLIENT_ID,
  BY_SELECTION,
  BY_VARIABLE,
  FLAGS_BASE,
  IN_ORDER,
  RECORDS_AT,
  RECORDS_IN_CHUNKS,
  RECORDS_PER_CHUNK,
  REQUEST_UNIT,
  ROWS_AT,
  ROWS_IN_CHUNKS,
  ROWS_PER_CHUNK,
  SET_B,
  TWO_DIGITS,
  ZERO,
} from './table-format.js';

/** A selected server: its uid, its address, and the counter on which the request was counted in. */
export type Choice = [uid: string, address: string, counter: string];

/** The bucket of a key: the first 13 bits of its SHA-256. See model/consistent-hash.ts. */
export function bucket(key: string | undefined): number {
  var digest = crypto
    .createHash('sha256')
    .update(key === undefined ? '' : key)
    .digest();
  return (digest[0] as number) * 32 + ((digest[1] as number) >> 3);
}

/** Adds a worker to the list of those that count. Of two workers at once one may be lost; the maintenance tasks repair that. */
export function registerWorker(tables: Tables, pid: string): void {
  const pids = tables.get(' pids');
  if (pids === undefined) tables.set(' pids', pid);
  else if (` ${pids} `.indexOf(` ${pid} `) < 0) tables.set(' pids', `${pids} ${pid}`);
}

/** The header of a group's table; `undefined` if there is none in the present format. */
export function readHeader(tables: Tables, group: string): string | undefined {
  var header = tables.get(group);
  return header !== undefined && header.charCodeAt(0) >= FLAGS_BASE ? header : undefined;
}

/** The name of the variable by which a group hashes: the last word of the table's header. */
export function hashVariable(header: string): string {
  return header.substring(header.lastIndexOf(' ') + 1);
}

/** The record of a row; `''` if the table has been replaced twice since its header was read. */
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
 * Selects a server and counts the request active on it, if the group uses round robin or a hash and has no `max_conns`;
 * `undefined` otherwise: see selection.ts. `clientId` is that of an MQTT session.
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
  // The header is read again after counting: either the change is seen here, or whoever made it sees the count.
  if (tables.get(group) !== header) {
    counters.incr(counter, -REQUEST_UNIT);
    return undefined;
  }
  chosen[2] = counter;
  return chosen as unknown as Choice;
}

/** One request in sixteen is timed: see timing.ts. Both are multiples of {@link ACTIVE_LIMIT}, 16 and 2. */
const TIMED_PERIOD = 16777216;
const TIMED_UNTIL = 2097152;

/**
 * Counts a request or session out of its server. Returns whether it has to be timed, which is true for the first request
 * of a worker and server, and for every sixteenth after it.
 */
export function release(counters: Counters, variables: Variables, uid: string, counter: string): boolean {
  var turn = counters.incr(counter, -1) % TIMED_PERIOD;
  var text = variables.upstream_bytes_sent;
  // After retries it is a list.
  var sent = +(text as string) || +(lastValue(text) as string);
  if (sent > 0) counters.incr(uid + '/sent', sent);
  text = variables.upstream_bytes_received;
  var received = +(text as string) || +(lastValue(text) as string);
  if (received > 0) counters.incr(uid + '/received', received);
  return turn >= ACTIVE_LIMIT && turn < TIMED_UNTIL;
}

/** The last value of a list in one of NGINX's upstream variables: that of the last server. */
export function lastValue(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = Math.max(text.lastIndexOf(' '), text.lastIndexOf(','));
  return at < 0 ? text : text.substring(at + 1);
}
