/**
 * Choosing a server in every case: limits, least connections, a second choice after a failure, a group in change.
 * quick.ts takes the usual case first. One function holds the others because a request pays for each that the module has.
 */
import type { Numbers, Strings, Variables } from './quick.js';
import * as quick from './quick.js';

/** How many rows are looked at when the first will not do. */
const MAX_LOOKS = 128;
/** How many servers `least_conn` compares in a group of many. */
const LEAST_OF = 16;

/** Shared memory of one half of NGINX. */
export interface Memory {
  tables: Strings;
  counters: Numbers;
}

/**
 * Chooses a server of a group and counts the request active on it, in one go. `tried` are uids not to choose, as
 * `,1,2,`. `undefined` when there is none to choose. Once a change of the group has been answered by the API, no request is
 * counted on (or sent to) a server that the change took out.
 */
export function pick(
  memory: Memory,
  variables: Variables,
  group: string,
  tried: string,
): quick.Choice | undefined {
  const tables = memory.tables;
  const counters = memory.counters;
  const pid = variables.pid as string;

  /** What a row points to: `[uid, address, max_conns, weight]`, the last two only where the group needs them. */
  function row(header: string, i: number): string[] | undefined {
    const found = quick.record(tables, group, header, i);
    // A table that is being replaced by a shorter one; the caller sees that the header has changed.
    return found === '' ? undefined : found.split(' ');
  }

  /** Open requests of a server, over all workers. */
  function load(uid: string): number {
    const pids = tables.get(' pids');
    if (pids === undefined) return 0;
    let active = 0;
    const all = pids.split(' ');
    for (let i = 0; i < all.length; i++) {
      const counter = counters.get(`${uid}/${all[i]}`);
      if (counter !== undefined) active += counter % quick.ACTIVE_LIMIT;
    }
    return active;
  }

  /** Counts a request in; false when the server's `max_conns` is reached, and then it is not counted. */
  function take(candidate: string[]): boolean {
    const uid = candidate[0] as string;
    const counter = `${uid}/${pid}`;
    if (counters.incr(counter, quick.TAKE) === quick.TAKE) quick.register(tables, pid);
    if (!candidate[2] || candidate[2] === '0') return true;
    // Counting first and looking afterwards can refuse two at once where one had room, but never admits one too many.
    if (load(uid) <= Number(candidate[2])) return true;
    counters.incr(counter, -quick.TAKE);
    return false;
  }

  /** Index of the least loaded server, by open requests per weight, among the rows that follow `start`. */
  function leastLoaded(header: string, start: number, length: number): number {
    let best = start;
    let lowest = Number.POSITIVE_INFINITY;
    let seen = tried;
    let compared = 0;
    for (let i = 0; i < length && i < MAX_LOOKS && compared < LEAST_OF; i++) {
      const at = (start + i) % length;
      const candidate = row(header, at);
      if (candidate === undefined || seen.indexOf(`,${candidate[0]},`) >= 0) continue;
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

  /** The row to begin with. */
  function first(header: string, length: number): number {
    const mode = header.charAt(2);
    if (mode === 'h') return quick.bucket(variables[quick.key(header)]) % length;
    const next = counters.incr(group, 1) % length;
    return mode === 'r' ? next : leastLoaded(header, next, length);
  }

  /** The first row that was not tried yet and has room. */
  function search(header: string, length: number): string[] | undefined {
    const start = first(header, length);
    let full = '';
    for (let i = 0; i < length && i < MAX_LOOKS; i++) {
      const candidate = row(header, (start + i) % length);
      if (candidate === undefined) continue;
      const mark = `,${candidate[0]},`;
      if (tried.indexOf(mark) >= 0 || full.indexOf(mark) >= 0) continue;
      if (take(candidate)) return candidate;
      full += mark;
    }
    return undefined;
  }

  for (;;) {
    const header = quick.readable(tables, group);
    // The table is not in memory: NGINX has just started or been upgraded, or there is no such group.
    if (header === undefined) return undefined;
    const length = Number(header.substring(3, 9));
    if (length === 0) return undefined;
    const picked = search(header, length);
    const counter = picked === undefined ? '' : `${picked[0]}/${pid}`;
    // As in quick.ts: counted in, then looked again.
    if (tables.get(group) !== header) {
      if (picked !== undefined) counters.incr(counter, -quick.TAKE);
      continue;
    }
    return picked === undefined ? undefined : [picked[0] as string, picked[1] as string, counter];
  }
}
