/**
 * Counting of requests and sessions when they are over, for the zones that the API shows. It runs in the log phase of every
 * request, so it does no more than add to counters; store/zones.ts reads them.
 */
import type { Counters, Tables } from './fast-path.js';

/** What a zone counts for: the path of the API that shows it. */
export type ZoneKind = 'server_zones' | 'location_zones' | 'limit_reqs' | 'limit_conns' | 'caches';

/** Most zones of one kind: their names come from the configuration, but a variable may have got into one. */
const MAX_ZONES = 256;
/** Longest name. */
const MAX_NAME_LENGTH = 64;

/** Where the names of a kind's zones are, by number from 1. */
export function zoneNameSlot(kind: ZoneKind, number: number): string {
  return ` zone ${kind} ${number}`;
}

/** The counter of how many names there are. */
export function zoneCount(kind: ZoneKind): string {
  return ` zones ${kind}`;
}

/** A counter of a zone. Names have no space, so that none is the beginning of another. */
export function zoneCounter(kind: ZoneKind, name: string, figure: string): string {
  return `zone ${kind} ${name} ${figure}`;
}

/**
 * What the counters of a zone begin with, for adding to them; `''` for a zone that cannot be counted. A zone that is new is
 * put on the list.
 */
export function zonePrefix(tables: Tables, counters: Counters, kind: ZoneKind, name: string): string {
  if (name.length > MAX_NAME_LENGTH || name.indexOf(' ') >= 0) return '';
  const begin = zoneCounter(kind, name, '');
  // The first to mark it lists it.
  if (counters.get(`${begin}listed`) === undefined) {
    if ((counters.get(zoneCount(kind)) || 0) >= MAX_ZONES) return '';
    if (counters.incr(`${begin}listed`, 1) === 1)
      tables.set(zoneNameSlot(kind, counters.incr(zoneCount(kind), 1)), name);
  }
  return begin;
}

/** A request or session that is over. `answered` is false where the client has got nothing. */
export interface Exchange {
  status: number;
  received: number;
  sent: number;
  answered: boolean;
}

/** Adds it to a server or location zone. */
export function countExchange(counters: Counters, begin: string, done: Exchange): void {
  counters.incr(`${begin}requests`, 1);
  counters.incr(done.answered ? `${begin}${done.status}` : `${begin}discarded`, 1);
  counters.incr(`${begin}received`, done.received);
  counters.incr(`${begin}sent`, done.sent);
}

/** What the counters of all TLS handshakes begin with. */
export const ALL_TLS = 'ssl ';

/** Adds a TLS handshake that has succeeded. `begin` is that of a zone, or {@link ALL_TLS} for all of them together. */
export function countHandshake(counters: Counters, begin: string, reused: boolean): void {
  counters.incr(`${begin}handshakes`, 1);
  if (reused) counters.incr(`${begin}session_reuses`, 1);
}

/**
 * Adds to what a limit or a cache has decided, as NGINX's variable names it: `PASSED`, `HIT`. Returns the counter, or `''`
 * where nothing was decided.
 */
export function countDecision(counters: Counters, begin: string, decided: string | undefined): string {
  if (begin === '' || !decided) return '';
  const counted = begin + decided.toLowerCase();
  counters.incr(counted, 1);
  return counted;
}

/** The counter of what a worker has open in a zone. */
export function openCounter(begin: string, pid: number): string {
  return `${begin}open ${pid}`;
}

/** The counter of a worker's requests. `id` is its number, from 0; one that takes a dead one's place has the same. */
export function workerRequests(id: number): string {
  return `worker ${id} requests`;
}

/** Where the process id of a worker is. */
export function workerSlot(id: number): string {
  return ` worker ${id}`;
}
