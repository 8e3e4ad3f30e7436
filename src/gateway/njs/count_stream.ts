/** njs module: counts stream sessions for `/ssl` and the zones. */
import type { Counters, Tables } from '../balance/shared-memory.js';
import * as traffic from '../balance/traffic-counters.js';

/** The shared memory zones that counting needs. */
interface Zones {
  stream_tables: Tables;
  stream_counters: Counters;
}

/**
 * `js_set` at the start of a session: counts it in, for the zone that `set $server_zone name;` names. The value is the name of
 * the counter, with which {@link count} counts the session out.
 */
function enter(s: NginxStreamRequest): string {
  const name = s.variables.server_zone;
  if (!name) return '';
  const shared = ngx.shared as unknown as Zones;
  const prefix = traffic.zonePrefix(shared.stream_tables, shared.stream_counters, 'server_zones', name);
  if (prefix === '') return '';
  const counter = traffic.openCounter(prefix, process.pid);
  shared.stream_counters.incr(counter, 1);
  return counter;
}

/** `js_set` in the log phase: counts a session. The value is empty, so that an access_log with `if=` writes nothing. */
function count(s: NginxStreamRequest): string {
  const variables = s.variables;
  const shared = ngx.shared as unknown as Zones;
  const counters = shared.stream_counters;
  const entered = variables.gateway_entered;
  if (entered) counters.incr(entered, -1);
  const tls = !!variables.ssl_protocol;
  const reused = variables.ssl_session_reused === 'r';
  if (tls) traffic.countHandshake(counters, traffic.ALL_TLS, reused);
  const name = variables.server_zone;
  const server = name ? traffic.zonePrefix(shared.stream_tables, counters, 'server_zones', name) : '';
  if (server !== '') {
    const done = {
      status: s.status,
      received: Number(variables.bytes_received),
      sent: Number(variables.bytes_sent),
      answered: true,
    };
    traffic.countExchange(counters, server, done);
    if (tls) traffic.countHandshake(counters, server, reused);
  }
  const limit = variables.limit_conn_zone;
  if (limit) {
    const prefix = traffic.zonePrefix(shared.stream_tables, counters, 'limit_conns', limit);
    traffic.countDecision(counters, prefix, variables.limit_conn_status);
  }
  return '';
}

export default { enter, count };
