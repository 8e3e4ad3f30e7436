/**
 * Choosing a server in every case: limits, least connections, a second choice after a failure, a group in change.
 * quick.ts takes the usual case first. One function holds the others because a request pays for each that the module has.
 */

import type { Counters, Tables, Variables } from './fast-path.js';
import * as fastPath from './fast-path.js';
import * as overflow from './overflow.js';

/** How many rows with a server are looked at when the first will not do. */
const MAX_ROWS_TRIED = 128;
/**
 * Servers that were added and are not in the table yet, in the order in which they came: this names, for a group, the number
 * of the first of them, how many there are, and how many servers the table has. Behind it, `/` and a number: a record each.
 */
export const RECENT = ' recent/';
/** How many servers `least_conn` compares in a group of many. */
const LEAST_CONN_SAMPLE = 16;

/** Buckets of a hash: ring.ts. */
const BUCKETS = 8192;

/** Shared memory of one half of NGINX. */
export interface Memory {
  tables: Tables;
  counters: Counters;
}

/**
 * Chooses a server of a group, or one of its backups when there is none, and counts the request active on it, in one go.
 * `tried` are uids not to choose, as `,1,2,`. `undefined` when there is none to choose. Once a change of the group has been
 * answered by the API, no request is counted on (or sent to) a server that the change took out. With `final`, a request that
 * finds no server because one has no room is counted as refused.
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
  /** The table to choose by. */
  let table = group;
  /** Servers that the table does not have yet: the number of the first, how many, and how many it has. */
  let recent: number[] = [0, 0, 0];
  /** Whether a server had no room. */
  let refused = false;

  /**
   * What a row points to: `[uid, address, max_conns, weight]`, the last two only where the group needs them. Behind the
   * table's own rows come those that are not in it yet. `undefined` where a server has been taken out, or where the table is
   * being replaced by a shorter one: then the caller sees that the header has changed.
   */
  function row(header: string, i: number): string[] | undefined {
    const length = Number(header.substring(3, 9));
    const text =
      i < length
        ? fastPath.readRecord(tables, table, header, i)
        : tables.get(`${RECENT}${table}/${(recent[0] as number) + i - length}`);
    const found = text === undefined ? [] : text.split(' ');
    return found.length < 2 ? undefined : found;
  }

  /** Open requests of a server, over all workers. */
  function load(uid: string): number {
    const pids = tables.get(' pids');
    if (pids === undefined) return 0;
    let active = 0;
    const all = pids.split(' ');
    for (let i = 0; i < all.length; i++) {
      const counter = counters.get(`${uid}/${all[i]}`);
      if (counter !== undefined) active += counter % fastPath.ACTIVE_LIMIT;
    }
    return active;
  }

  /** Counts a request in; false when the server's `max_conns` is reached, and then it is not counted. */
  function take(candidate: string[]): boolean {
    const uid = candidate[0] as string;
    const counter = `${uid}/${pid}`;
    if (counters.incr(counter, fastPath.REQUEST_UNIT) === fastPath.REQUEST_UNIT)
      fastPath.registerWorker(tables, pid);
    if (!candidate[2] || candidate[2] === '0') return true;
    // Counting first and looking afterwards can refuse two at once where one had room, but never admits one too many.
    if (load(uid) <= Number(candidate[2])) return true;
    counters.incr(counter, -fastPath.REQUEST_UNIT);
    return false;
  }

  /** Index of the least loaded server, by open requests per weight, among the rows that follow `start`. */
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
   * The row of a key. While servers are not in the table yet, their share of the keys goes to them; which keys of a server
   * that will be is for the table to say.
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

  /** The row to begin with. */
  function first(header: string, length: number): number {
    const mode = header.charAt(2);
    if (mode === 'h') return byKey(header, length);
    const next = counters.incr(table, 1) % length;
    return mode === 'r' ? next : leastLoaded(header, next, length);
  }

  /** The first row that was not tried yet and has room. */
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

  /** Chooses by a table with this header; 'changed' when that is not the one any more, and then nothing is counted. */
  function once(header: string): fastPath.Choice | 'changed' | undefined {
    const added = tables.get(RECENT + table);
    recent = added === undefined ? [0, 0, 0] : added.split(' ').map(Number);
    const length = Number(header.substring(3, 9)) + (recent[1] as number);
    const picked = length === 0 ? [] : search(header, length) || [];
    const counter = `${picked[0]}/${pid}`;
    const found = picked.length > 0;
    // As in quick.ts: counted in, then looked again.
    if (tables.get(table) === header)
      return found ? [picked[0] as string, picked[1] as string, counter] : undefined;
    if (found) counters.incr(counter, -fastPath.REQUEST_UNIT);
    return 'changed';
  }

  function choose(): fastPath.Choice | undefined {
    for (;;) {
      const header = fastPath.readHeader(tables, table);
      // The table is not in memory: NGINX has just started or been upgraded, or there is no such group.
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
    // Backups that take the place of the others move from one table to the other.
    if (found === undefined && tables.get(group) !== header) continue;
    if (found === undefined && refused && final === true) overflow.countOverflow(counters, group);
    return found;
  }
}
