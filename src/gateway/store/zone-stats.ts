/** The statistics of zones and of TLS, which balance/traffic-counters.ts counts. */
import type { ZoneKind } from '../balance/traffic-counters.js';
import * as traffic from '../balance/traffic-counters.js';
import type { Platform } from './platform.js';

const LOWEST_STATUS = 100;
const HIGHEST_STATUS = 599;

/** Named counts. */
export interface Counts {
  [name: string]: number;
}

/** TLS handshakes. */
export interface TlsStats {
  handshakes: number;
  session_reuses: number;
}

/** The requests or sessions of a server zone or location zone. */
export interface ExchangeStats {
  requests: number;
  discarded: number;
  received: number;
  sent: number;
  /** By status; only those that occurred. */
  codes: Counts;
  /** Absent if there were no handshakes. */
  tls?: TlsStats;
}

/** The names of the zones of a kind, in the order in which they were first used. */
export function zoneNames(platform: Platform, kind: ZoneKind): string[] {
  const count = platform.counters.get(traffic.zoneCount(kind)) || 0;
  const found: string[] = [];
  for (let i = 1; i <= count; i++) {
    const name = platform.tables.get(traffic.zoneNameSlot(kind, i));
    if (name !== undefined) found.push(name);
  }
  return found;
}

function counted(platform: Platform, kind: ZoneKind, zone: string, name: string): number {
  return platform.counters.get(traffic.zoneCounter(kind, zone, name)) || 0;
}

/** Counts of a zone by their names. */
export function counts(platform: Platform, kind: ZoneKind, zone: string, names: string[]): Counts {
  const found: Counts = {};
  for (let i = 0; i < names.length; i++)
    found[names[i] as string] = counted(platform, kind, zone, names[i] as string);
  return found;
}

/** The handshakes of a zone or, with {@link traffic.ALL_TLS}, of all; `undefined` if there were none. */
export function tlsStats(platform: Platform, prefix: string): TlsStats | undefined {
  const handshakes = platform.counters.get(`${prefix}handshakes`);
  if (handshakes === undefined) return undefined;
  return { handshakes: handshakes, session_reuses: platform.counters.get(`${prefix}session_reuses`) || 0 };
}

/** The requests or sessions of a zone. */
export function exchangeStats(platform: Platform, kind: ZoneKind, zone: string): ExchangeStats {
  const codes: Counts = {};
  for (let status = LOWEST_STATUS; status <= HIGHEST_STATUS; status++) {
    const count = counted(platform, kind, zone, `${status}`);
    if (count > 0) codes[`${status}`] = count;
  }
  const stats: ExchangeStats = {
    requests: counted(platform, kind, zone, 'requests'),
    discarded: counted(platform, kind, zone, 'discarded'),
    received: counted(platform, kind, zone, 'received'),
    sent: counted(platform, kind, zone, 'sent'),
    codes: codes,
  };
  const tls = tlsStats(platform, traffic.zoneCounter(kind, zone, ''));
  if (tls !== undefined) stats.tls = tls;
  return stats;
}

/** The open requests of a zone over all running workers; `undefined` if they are not counted. */
export function processing(platform: Platform, kind: ZoneKind, zone: string): number | undefined {
  const pids = platform.workers();
  let sum: number | undefined;
  for (let i = 0; i < pids.length; i++) {
    const counter = traffic.openCounter(traffic.zoneCounter(kind, zone, ''), pids[i] as number);
    const count = platform.counters.get(counter);
    if (count !== undefined) sum = (sum === undefined ? 0 : sum) + Math.max(0, count);
  }
  return sum;
}

/** Sets a counter to zero. A counter that does not exist stays absent, because what was never counted is not shown. */
export function zero(platform: Platform, counter: string): void {
  if (platform.counters.get(counter) !== undefined) platform.counters.set(counter, 0);
}

/** Resets the statistics of all TLS handshakes. */
export function resetTlsStats(platform: Platform): void {
  zero(platform, `${traffic.ALL_TLS}handshakes`);
  zero(platform, `${traffic.ALL_TLS}session_reuses`);
}

/** Decisions of caches, as `$upstream_cache_status` names them. */
export const CACHE_STATUSES = ['hit', 'stale', 'updating', 'revalidated', 'miss', 'expired', 'bypass'];

/** Decisions of `limit_req`; those of `limit_conn` are among them. */
export const LIMIT_STATUSES = ['passed', 'delayed', 'rejected', 'delayed_dry_run', 'rejected_dry_run'];

/** Resets the statistics of a zone. Open requests stay counted. */
export function resetZone(platform: Platform, kind: ZoneKind, zone: string): void {
  const prefix = traffic.zoneCounter(kind, zone, '');
  const names = ['requests', 'discarded', 'received', 'sent', 'handshakes', 'session_reuses'].concat(
    CACHE_STATUSES,
    CACHE_STATUSES.map((status) => `${status}_bytes`),
    LIMIT_STATUSES,
  );
  for (let i = 0; i < names.length; i++) zero(platform, prefix + names[i]);
  for (let status = LOWEST_STATUS; status <= HIGHEST_STATUS; status++)
    platform.counters.delete(`${prefix}${status}`);
}
