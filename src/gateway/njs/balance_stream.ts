/** njs module: selects a server for stream sessions and counts them out. It runs in every session: see fast-path.ts. */

import * as failedTries from '../balance/failed-tries.js';
import * as fastPath from '../balance/fast-path.js';
import * as selection from '../balance/selection.js';
import type { Counters, Tables } from '../balance/shared-memory.js';
import * as timing from '../balance/timing.js';
import * as mqtt from '../model/mqtt.js';
import type { Clients } from '../store/seen-clients.js';
import * as seenClients from '../store/seen-clients.js';

/** An upstream without a usable server. */
const NO_SERVER = 'no_live_upstreams';
/** How often (ms), and how many times, a session checks whether the group's table has been loaded. */
const LOAD_INTERVAL = 50;
const LOAD_CHECKS = 100;

/** The shared memory zones that selection needs, and the one for ClientIds. */
interface Zones {
  stream_tables: Tables;
  stream_counters: Counters;
  mqtt_clients: Clients;
}

/** The selected server. An interpreter serves one session at a time, from the first packet to the log phase. */
var choice: fastPath.Choice | undefined;
/** Where it is counted. Looked up once. */
var counters: Counters;

/**
 * `js_preread` for MQTT: reads the ClientId from the CONNECT packet into `$mqtt_client_id`, then continues like {@link open}.
 * A connection that is not MQTT is closed.
 */
function connect(s: NginxStreamRequest): void {
  s.on('upstream', (data) => {
    var found = mqtt.parse(data);
    if (found === undefined) return;
    if (typeof found === 'string') {
      // Without a ClientId, the client's address is used.
      if (found === '') found = s.remoteAddress;
      else seenClients.note((ngx.shared as unknown as Zones).mqtt_clients, found, Date.now);
      s.variables.mqtt_client_id = found;
      proxy(s, found);
    } else {
      s.warn(`mqtt: ${found.invalid}`);
      s.off('upstream');
      s.deny();
    }
  });
}

/** `js_preread` for any other protocol. */
function open(s: NginxStreamRequest): void {
  proxy(s, undefined);
}

/** Sets the address to proxy to, `$gateway_peer`. The session is counted active on the server until {@link release}. */
function proxy(s: NginxStreamRequest, clientId: string | undefined): void {
  var shared = ngx.shared as unknown as Zones;
  var variables = s.variables;
  counters = shared.stream_counters;
  choice = fastPath.choose(shared.stream_tables, counters, variables, clientId);
  if (choice === undefined) proxySlowly(s, LOAD_CHECKS);
  else {
    variables.gateway_peer = choice[1];
    s.done();
  }
}

/** The general selection. It waits for the group's table, which is not in memory immediately after a start. */
function proxySlowly(s: NginxStreamRequest, tries: number): void {
  var memory = { tables: (ngx.shared as unknown as Zones).stream_tables, counters: counters };
  var variables = s.variables;
  var group = variables.upstream as string;
  if (tries > 0 && fastPath.readHeader(memory.tables, group) === undefined) {
    s.off('upstream');
    setTimeout(() => proxySlowly(s, tries - 1), LOAD_INTERVAL);
    return;
  }
  choice = selection.select(memory, variables, group, '');
  variables.gateway_peer = choice === undefined ? NO_SERVER : choice[1];
  s.done();
}

/** `js_set` in the log phase: counts the session out. The value is empty, so that an access_log with `if=` writes nothing. */
function release(s: NginxStreamRequest): string {
  if (choice === undefined) return '';
  var variables = s.variables;
  if (fastPath.release(counters, variables, choice[0], choice[2]))
    timing.addTimes(counters, variables, choice[0], ['connect_time', 'first_byte_time', 'session_time']);
  if (s.status === 502) failedTries.countFailure(counters, choice[0]);
  // The interpreter may be reused for another session.
  choice = undefined;
  return '';
}

export default { connect, open, release };
