/** njs module: counting http requests for `/workers`, `/ssl` and the zones. */
import type { Counters, Tables } from '../balance/fast-path.js';
import type { ZoneKind } from '../balance/traffic-counters.js';
import * as traffic from '../balance/traffic-counters.js';

/** The shared memory zones that counting needs. */
interface Zones {
  http_tables: Tables;
  http_counters: Counters & { set(key: string, value: number): unknown };
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
  const begin = traffic.zonePrefix(shared.http_tables, shared.http_counters, 'server_zones', name);
  if (begin === '') return '';
  const counter = traffic.openCounter(begin, process.pid);
  shared.http_counters.incr(counter, 1);
  return counter;
}

/** `js_set` in the log phase: counts a request that is over. Always empty, so that a log with `if=` stays silent. */
function count(r: NginxHTTPRequest): string {
  const variables = r.variables;
  const shared = zones();
  const counters = shared.http_counters;
  counters.incr(traffic.workerRequests(ngx.worker_id), 1);
  const entered = variables.gateway_entered;
  if (entered) counters.incr(entered, -1);
  const tls = variables.https !== '' && variables.connection_requests === '1';
  if (tls) traffic.countHandshake(counters, traffic.ALL_TLS, variables.ssl_session_reused === 'r');
  if (variables.gateway_zones !== '') countZones(r, shared, tls);
  return '';
}

function countZones(r: NginxHTTPRequest, shared: Zones, tls: boolean): void {
  const variables = r.variables;
  const counters = shared.http_counters;
  const begin = (kind: ZoneKind, name: string | undefined): string =>
    name ? traffic.zonePrefix(shared.http_tables, counters, kind, name) : '';
  const sent = Number(variables.bytes_sent);
  const done = {
    status: r.status,
    received: Number(variables.request_length),
    sent: sent,
    answered: sent > 0,
  };
  const server = begin('server_zones', variables.server_zone);
  const location = begin('location_zones', variables.location_zone);
  if (server !== '') traffic.countExchange(counters, server, done);
  if (server !== '' && tls) traffic.countHandshake(counters, server, variables.ssl_session_reused === 'r');
  if (location !== '') traffic.countExchange(counters, location, done);
  traffic.countDecision(counters, begin('limit_reqs', variables.limit_req_zone), variables.limit_req_status);
  traffic.countDecision(
    counters,
    begin('limit_conns', variables.limit_conn_zone),
    variables.limit_conn_status,
  );
  const cached = traffic.countDecision(
    counters,
    begin('caches', variables.cache_zone),
    variables.upstream_cache_status,
  );
  if (cached !== '') counters.incr(`${cached}_bytes`, Number(variables.body_bytes_sent));
}

/** `js_periodic` in every worker: has the API know which worker has which number. */
function enrol(): void {
  zones().http_counters.set(traffic.workerSlot(ngx.worker_id), process.pid);
}

export default { enter, count, enrol };
