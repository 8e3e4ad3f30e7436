/**
 * The general selection of a server: with limits, least connections, retries after a failure, and while a group changes.
 * fast-path.ts handles the ordinary case. The functions are nested in one, because in njs a request pays for each
 * function of a module.
 */

import * as fastPath from './fast-path.js';
import * as overflow from './overflow.js';
import type { Counters, Tables, Variables } from './shared-memory.js';
import * as tableFormat from './table-format.js';

/** Rows that are examined at most, if the first server cannot be used. */
const MAX_ROWS_TRIED = 128;
/** Servers that `least_conn` compares at most. */
const LEAST_CONN_SAMPLE = 16;

/** Number of buckets of a hash: see model/consistent-hash.ts. */
const BUCKETS = 8192;

/** The shared memory of the http or the stream block. */
interface Memory {
  tables: Tables;
  counters: Counters;
}

/**
 * Selects a server of a group, or a backup server if there is no other, and counts the request active on it. Returns
 * `undefined` if there is none. If the group has none, or there is no such group, the group in `$gateway_fallback` is used,
 * which then is `$upstream`. `tried` lists the uids not to select, as `,1,2,`. Once the API has responded to a change,
 * no request is counted on (or sent to) a server that the change removed. With `final`, a request that finds no server
 * because all have reached their `max_conns` is counted as an overflow.
 */
export function select(
  memory: Memory,
  variables: Variables,
  group: string,
  tried: string,
  final?: boolean,
): fastPath.Choice | undefined {
  const tables = memory.tables;
  const counters = memory.counters;
  const pid = variables.pid as string;
  /** The key of the table. */
  let table = group;
  /** See {@link tableFormat.RECENT}: the number of the first, how many there are, and how many servers the table has. */
  let recent: number[] = [0, 0, 0];
  /** Whether a server was not selected because of its `max_conns`. */
  let refused = false;

  /**
   * The record of a row: `[uid, address, max_conns, weight]`, the last two only if the group needs them. The rows of recently
   * added servers follow those of the table. `undefined` if the server has been removed, or if the table is being replaced
   * by a shorter one; in the latter case the caller notices that the header has changed.
   */
  function row(header: string, i: number): string[] | undefined {
    const length = Number(header.substring(3, 9));
    const text =
      i < length
        ? fastPath.readRecord(tables, table, header, i)
        : tables.get(`${tableFormat.RECENT}${table}/${(recent[0] as number) + i - length}`);
    const found = text === undefined ? [] : text.split(' ');
    return found.length < 2 ? undefined : found;
  }

  /** Active requests of a server, over all workers. */
  function load(uid: string): number {
    const pids = tables.get(' pids');
    if (pids === undefined) return 0;
    let active = 0;
    const all = pids.split(' ');
    for (let i = 0; i < all.length; i++) {
      const counter = counters.get(`${uid}/${all[i]}`);
      if (counter !== undefined) active += counter % tableFormat.ACTIVE_LIMIT;
    }
    return active;
  }

  /** Counts a request in. Returns false, and does not count it, if the server has reached its `max_conns`. */
  function take(candidate: string[]): boolean {
    const uid = candidate[0] as string;
    const counter = `${uid}/${pid}`;
    if (counters.incr(counter, tableFormat.REQUEST_UNIT) === tableFormat.REQUEST_UNIT)
      fastPath.registerWorker(tables, pid);
    if (!candidate[2] || candidate[2] === '0') return true;
    // Counting before reading may refuse two concurrent requests where one had room, but never admits one too many.
    if (load(uid) <= Number(candidate[2])) return true;
    counters.incr(counter, -tableFormat.REQUEST_UNIT);
    return false;
  }

  /** The row of the least loaded server, by active requests per weight, among the rows from `start` on. */
  function leastLoaded(header: string, start: number, length: number): number {
    let best = start;
    let lowest = Number.POSITIVE_INFINITY;
    let seen = tried;
    let compared = 0;
    let looks = 0;
    for (let i = 0; i < length && looks < MAX_ROWS_TRIED && compared < LEAST_CONN_SAMPLE; i++) {
      const at = (start + i) % length;
      const candidate = row(header, at);
      if (candidate === undefined) continue;
      looks++;
      if (seen.indexOf(`,${candidate[0]},`) >= 0) continue;
      seen += `,${candidate[0]},`;
      compared++;
      const pressure = load(candidate[0] as string) / Number(candidate[3]);
      if (pressure < lowest) {
        lowest = pressure;
        best = at;
      }
    }
    return best;
  }

  /**
   * The row of a key. Servers that are not in the table yet get their share of the keys, though not yet the keys that will
   * be theirs by the new table.
   */
  function byKey(header: string, length: number): number {
    const key = variables[fastPath.hashVariable(header)];
    const added = recent[1] as number;
    const present = length === added ? 0 : (recent[2] as number);
    if (added > 0) {
      const share = Math.floor((fastPath.bucket(`${key} recent`) * (present + added)) / BUCKETS);
      if (share >= present) return length - added + share - present;
    }
    return fastPath.bucket(key) % (length - added);
  }

  /** The row to start with. */
  function first(header: string, length: number): number {
    const mode = header.charAt(2);
    if (mode === 'h') return byKey(header, length);
    const next = counters.incr(table, 1) % length;
    return mode === 'r' ? next : leastLoaded(header, next, length);
  }

  /** The first server that was not tried yet and is below its limit. */
  function search(header: string, length: number): string[] | undefined {
    const start = first(header, length);
    let full = '';
    let looks = 0;
    for (let i = 0; i < length && looks < MAX_ROWS_TRIED; i++) {
      const candidate = row(header, (start + i) % length);
      if (candidate === undefined) continue;
      looks++;
      const mark = `,${candidate[0]},`;
      if (tried.indexOf(mark) >= 0 || full.indexOf(mark) >= 0) continue;
      if (take(candidate)) return candidate;
      full += mark;
      refused = true;
    }
    return undefined;
  }

  /** Selects by a table with this header. Returns 'changed', and counts nothing, if the table has changed meanwhile. */
  function once(header: string): fastPath.Choice | 'changed' | undefined {
    const added = tables.get(tableFormat.RECENT + table);
    recent = added === undefined ? [0, 0, 0] : added.split(' ').map(Number);
    const length = Number(header.substring(3, 9)) + (recent[1] as number);
    const picked = length === 0 ? [] : search(header, length) || [];
    const counter = `${picked[0]}/${pid}`;
    const found = picked.length > 0;
    // As in the fast path: the header is read again after counting.
    if (tables.get(table) === header)
      return found ? [picked[0] as string, picked[1] as string, counter] : undefined;
    if (found) counters.incr(counter, -tableFormat.REQUEST_UNIT);
    return 'changed';
  }

  function choose(): fastPath.Choice | undefined {
    for (;;) {
      const header = fastPath.readHeader(tables, table);
      // Without a header there is no such group, or NGINX has just started or been upgraded.
      const found = header === undefined ? undefined : once(header);
      if (found !== 'changed') return found;
    }
  }

  for (;;) {
    const header = tables.get(group);
    table = group;
    let found = choose();
    if (found !== undefined) return found;
    table = `${group} backup`;
    found = choose();
    // While backup servers replace the others, they move from one table to the other: look again.
    if (found === undefined && tables.get(group) !== header) continue;
    if (found === undefined && refused && final === true) overflow.countOverflow(counters, group);
    const fallback = variables.gateway_fallback;
    if (found !== undefined || !fallback || fallback === group) return found;
    const next = select(memory, variables, fallback, tried, final);
    if (next !== undefined) variables.upstream = fallback;
    return next;
  }
}
