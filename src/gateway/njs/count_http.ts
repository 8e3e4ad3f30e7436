/** njs module: counts HTTP requests for `/workers`, `/ssl` and the zones. */
import type { Counters, Tables } from '../balance/shared-memory.js';
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
 * `js_set` in the server's rewrite phase: counts a request in, for the zone that `set $server_zone name;` names. The value is
 * the name of the counter, with which {@link count} counts the request out.
 */
function enter(r: NginxHTTPRequest): string {
  const shared = zones();
  const name = r.variables.server_zone as string;
  const prefix = traffic.zonePrefix(shared.http_tables, shared.http_counters, 'server_zones', name);
  if (prefix === '') return '';
  const counter = traffic.openCounter(prefix, process.pid);
  shared.http_counters.incr(counter, 1);
  return counter;
}

/** `js_set` in the log phase: counts a request. The value is empty, so that an access_log with `if=` writes nothing. */
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
  const prefixOf = (kind: ZoneKind, name: string | undefined): string =>
    name ? traffic.zonePrefix(shared.http_tables, counters, kind, name) : '';
  const sent = Number(variables.bytes_sent);
  const done = {
    status: r.status,
    received: Number(variables.request_length),
    sent: sent,
    answered: sent > 0,
  };
  const server = prefixOf('server_zones', variables.server_zone);
  const location = prefixOf('location_zones', variables.location_zone);
  if (server !== '') traffic.countExchange(counters, server, done);
  if (server !== '' && tls) traffic.countHandshake(counters, server, variables.ssl_session_reused === 'r');
  if (location !== '') traffic.countExchange(counters, location, done);
  traffic.countDecision(
    counters,
    prefixOf('limit_reqs', variables.limit_req_zone),
    variables.limit_req_status,
  );
  traffic.countDecision(
    counters,
    prefixOf('limit_conns', variables.limit_conn_zone),
    variables.limit_conn_status,
  );
  const cached = traffic.countDecision(
    counters,
    prefixOf('caches', variables.cache_zone),
    variables.upstream_cache_status,
  );
  if (cached !== '') counters.incr(`${cached}_bytes`, Number(variables.body_bytes_sent));
}

/** `js_periodic` in every worker: stores which process id belongs to the worker's number. */
function register(): void {
  zones().http_counters.set(traffic.workerSlot(ngx.worker_id), process.pid);
}

export default { enter, count, register };
