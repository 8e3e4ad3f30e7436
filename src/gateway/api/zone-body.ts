/** Zones as the API shows them. */
import type { ZoneKind } from '../balance/traffic-counters.js';
import type { Platform } from '../store/platform.js';
import type { Counts, ExchangeStats } from '../store/zone-stats.js';
import * as zoneStats from '../store/zone-stats.js';
import * as versions from './versions.js';

type Body = { [name: string]: unknown };

/** The sums of `codes` by class: `2xx` and so on. */
function byClass(codes: Counts, classes: string[]): Counts {
  const sums: Counts = {};
  for (let i = 0; i < classes.length; i++) sums[classes[i] as string] = 0;
  const all = Object.keys(codes);
  for (let i = 0; i < all.length; i++) {
    const code = all[i] as string;
    const name = `${code.charAt(0)}xx`;
    if (sums[name] !== undefined) sums[name] = (sums[name] as number) + (codes[code] as number);
  }
  return sums;
}

function total(codes: Counts): number {
  return Object.keys(codes).reduce((sum, code) => sum + (codes[code] as number), 0);
}

function responses(codes: Counts, version: number): Body {
  const body: Body = byClass(codes, ['1xx', '2xx', '3xx', '4xx', '5xx']);
  if (version >= versions.CODES) body.codes = codes;
  body.total = total(codes);
  return body;
}

function exchangeBody(platform: Platform, stats: ExchangeStats, version: number): Body {
  const body: Body = {};
  if (platform.kind === 'http') {
    body.requests = stats.requests;
    body.responses = responses(stats.codes, version);
  } else {
    body.connections = stats.requests;
    body.sessions = Object.assign(byClass(stats.codes, ['2xx', '4xx', '5xx']), { total: total(stats.codes) });
  }
  body.discarded = stats.discarded;
  body.received = stats.received;
  body.sent = stats.sent;
  if (stats.tls !== undefined && version >= versions.ZONE_SSL) body.ssl = stats.tls;
  return body;
}

function cacheBody(platform: Platform, zone: string): Body {
  const body: Body = {};
  for (let i = 0; i < zoneStats.CACHE_STATUSES.length; i++) {
    const status = zoneStats.CACHE_STATUSES[i] as string;
    const counts = zoneStats.counts(platform, 'caches', zone, [status, `${status}_bytes`]);
    body[status] = { responses: counts[status], bytes: counts[`${status}_bytes`] };
  }
  return body;
}

/** A zone, with the fields that the version has. */
export function zoneBody(platform: Platform, kind: ZoneKind, zone: string, version: number): Body {
  if (kind === 'caches') return cacheBody(platform, zone);
  if (kind === 'limit_reqs') return zoneStats.counts(platform, kind, zone, zoneStats.LIMIT_STATUSES);
  if (kind === 'limit_conns')
    return zoneStats.counts(platform, kind, zone, ['passed', 'rejected', 'rejected_dry_run']);
  const body = exchangeBody(platform, zoneStats.exchangeStats(platform, kind, zone), version);
  const open = kind === 'server_zones' ? zoneStats.processing(platform, kind, zone) : undefined;
  return open === undefined ? body : Object.assign({ processing: open }, body);
}
