/**
 * Counts requests and sessions when they end: by zone, by worker, and their TLS handshakes. It runs in the log phase of every
 * request, so it only adds to counters; store/zone-stats.ts reads them.
 */
import type { Counters, Tables } from './shared-memory.js';

/** The kind of a zone: the path of the API that shows it. */
export type ZoneKind = 'server_zones' | 'location_zones' | 'limit_reqs' | 'limit_conns' | 'caches';

/** Maximum number of zones of a kind. Names come from the configuration, which may contain variables. */
const MAX_ZONES = 256;
/** Maximum length of a zone's name. */
const MAX_NAME_LENGTH = 64;

/** The key under which the name of a zone is stored, by its number from 1. */
export function zoneNameSlot(kind: ZoneKind, number: number): string {
  return ` zone ${kind} ${number}`;
}

/** The counter of the zones of a kind. */
export function zoneCount(kind: ZoneKind): string {
  return ` zones ${kind}`;
}

/** A counter of a zone. A name contains no space, so that no key is the prefix of another zone's. */
export function zoneCounter(kind: ZoneKind, name: string, stat: string): string {
  return `zone ${kind} ${name} ${stat}`;
}

/**
 * The prefix of a zone's counters; `''` if the zone cannot be counted, because its name is invalid or there are too many. A new
 * zone is added to the list of zones.
 */
export function zonePrefix(tables: Tables, counters: Counters, kind: ZoneKind, name: string): string {
  if (name.length > MAX_NAME_LENGTH || name.indexOf(' ') >= 0) return '';
  const prefix = zoneCounter(kind, name, '');
  // Whoever increments the mark first adds it to the list.
  if (counters.get(`${prefix}listed`) === undefined) {
    if ((counters.get(zoneCount(kind)) || 0) >= MAX_ZONES) return '';
    if (counters.incr(`${prefix}listed`, 1) === 1)
      tables.set(zoneNameSlot(kind, counters.incr(zoneCount(kind), 1)), name);
  }
  return prefix;
}

/** A request or session that has ended. `answered` is false if nothing was sent to the client. */
interface Exchange {
  status: number;
  received: number;
  sent: number;
  answered: boolean;
}

/** Adds it to a server zone or location zone. */
export function countExchange(counters: Counters, prefix: string, done: Exchange): void {
  counters.incr(`${prefix}requests`, 1);
  counters.incr(done.answered ? `${prefix}${done.status}` : `${prefix}discarded`, 1);
  counters.incr(`${prefix}received`, done.received);
  counters.incr(`${prefix}sent`, done.sent);
}

/** The prefix of the counters of all TLS handshakes. */
export const ALL_TLS = 'ssl ';

/** Adds a successful TLS handshake. `prefix` is that of a zone, or {@link ALL_TLS}. */
export function countHandshake(counters: Counters, prefix: string, reused: boolean): void {
  counters.incr(`${prefix}handshakes`, 1);
  if (reused) counters.incr(`${prefix}session_reuses`, 1);
}

/**
 * Counts what a limit or a cache decided, by the value of NGINX's variable: `PASSED`, `HIT`. Returns the counter, or `''` if
 * nothing was decided.
 */
export function countDecision(counters: Counters, prefix: string, decided: string | undefined): string {
  if (prefix === '' || !decided) return '';
  const counted = prefix + decided.toLowerCase();
  counters.incr(counted, 1);
  return counted;
}

/** The counter of a worker's open requests in a zone. */
export function openCounter(prefix: string, pid: number): string {
  return `${prefix}open ${pid}`;
}

/** The counter of a worker's requests. `id` is its number, from 0; its replacement after a crash has the same. */
export function workerRequests(id: number): string {
  return `worker ${id} requests`;
}

/** The key of a worker's process id. */
export function workerSlot(id: number): string {
  return ` worker ${id}`;
}
