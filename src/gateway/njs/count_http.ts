/** njs module: counting http requests for `/workers`, `/ssl` and the zones. */
import type { Numbers, Strings } from '../balance/quick.js';
import type { Zone } from '../balance/tally.js';
import * as tally from '../balance/tally.js';

/** The shared memory zones that counting needs. */
interface Zones {
  http_tables: Strings;
  http_counters: Numbers & { set(key: string, value: number): unknown };
}

function zones(): Zones {
  return ngx.shared as unknown as Zones;
}

/**
 * `js_set` in the server's rewrite phase: counts a request into the zone that `set $server_zone name;` names. Its value is
 * the counter, by which {@link count} counts it out again.
 */
function enter(r: NginxHTTPRequest): string {
  const shared = zones();
  const name = r.variables.server_zone as string;
  const begin = tally.zone(shared.http_tables, shared.http_counters, 'server_zones', name);
  if (begin === '') return '';
  const counter = tally.open(begin, process.pid);
  shared.http_counters.incr(counter, 1);
  return counter;
}

/** `js_set` in the log phase: counts a request that is over. Always empty, so that a log with `if=` stays silent. */
function count(r: NginxHTTPRequest): string {
  const variables = r.variables;
  const shared = zones();
  const counters = shared.http_counters;
  counters.incr(tally.worker(ngx.worker_id), 1);
  const entered = variables.gateway_entered;
  if (entered) counters.incr(entered, -1);
  const tls = variables.https !== '' && variables.connection_requests === '1';
  if (tls) tally.handshake(counters, tally.SSL, variables.ssl_session_reused === 'r');
  if (variables.gateway_zones !== '') countZones(r, shared, tls);
  return '';
}

function countZones(r: NginxHTTPRequest, shared: Zones, tls: boolean): void {
  const variables = r.variables;
  const counters = shared.http_counters;
  const begin = (kind: Zone, name: string | undefined): string =>
    name ? tally.zone(shared.http_tables, counters, kind, name) : '';
  const sent = Number(variables.bytes_sent);
  const done = {
    status: r.status,
    received: Number(variables.request_length),
    sent: sent,
    answered: sent > 0,
  };
  const server = begin('server_zones', variables.server_zone);
  const location = begin('location_zones', variables.location_zone);
  if (server !== '') tally.exchange(counters, server, done);
  if (server !== '' && tls) tally.handshake(counters, server, variables.ssl_session_reused === 'r');
  if (location !== '') tally.exchange(counters, location, done);
  tally.decision(counters, begin('limit_reqs', variables.limit_req_zone), variables.limit_req_status);
  tally.decision(counters, begin('limit_conns', variables.limit_conn_zone), variables.limit_conn_status);
  const cached = tally.decision(
    counters,
    begin('caches', variables.cache_zone),
    variables.upstream_cache_status,
  );
  if (cached !== '') counters.incr(`${cached}_bytes`, Number(variables.body_bytes_sent));
}

/** `js_periodic` in every worker: has the API know which worker has which number. */
function enrol(): void {
  zones().http_counters.set(tally.seat(ngx.worker_id), process.pid);
}

export default { enter, count, enrol };
