/** njs module: choosing a server for stream sessions, and counting them out. It runs in every session: see quick.ts. */

import * as failedTries from '../balance/failed-tries.js';
import type { Counters, Tables } from '../balance/fast-path.js';
import * as fastPath from '../balance/fast-path.js';
import * as selection from '../balance/selection.js';
import * as timing from '../balance/timing.js';
import * as mqtt from '../model/mqtt.js';

/** A group that has no server at all. */
const NO_SERVER = 'no_live_upstreams';
/** How often, and how many times, a session looks for a table that is still being loaded. */
const COLD_INTERVAL = 50;
const COLD_TRIES = 100;

/** The shared memory zones that choosing needs. */
interface Zones {
  stream_tables: Tables;
  stream_counters: Counters;
}

/** What this session was given. An interpreter serves one session at a time, from its first packet to its log. */
var choice: fastPath.Choice | undefined;
/** Where it is counted: looked up once. */
var counters: Counters;

/**
 * `js_preread` for MQTT: reads the CONNECT packet into `$mqtt_client_id`, then goes on as {@link open}. A client that
 * sends anything else is let go.
 */
function connect(s: NginxStreamRequest): void {
  s.on('upstream', (data) => {
    var found = mqtt.parse(data);
    if (found === undefined) return;
    if (typeof found === 'string') {
      // Without a ClientId, clients are told apart by where they come from.
      if (found === '') found = s.remoteAddress;
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

/** Chooses the address to proxy to, `$gateway_peer`. The server is counted active from here to {@link release}. */
function proxy(s: NginxStreamRequest, clientId: string | undefined): void {
  var shared = ngx.shared as unknown as Zones;
  var variables = s.variables;
  counters = shared.stream_counters;
  choice = fastPath.choose(shared.stream_tables, counters, variables, clientId);
  if (choice === undefined) proxySlowly(s, COLD_TRIES);
  else {
    variables.gateway_peer = choice[1];
    s.done();
  }
}

/** Any choice; it waits for the group's table to be in memory, which it is but for the moments after a start. */
function proxySlowly(s: NginxStreamRequest, tries: number): void {
  var memory = { tables: (ngx.shared as unknown as Zones).stream_tables, counters: counters };
  var variables = s.variables;
  var group = variables.upstream as string;
  if (tries > 0 && fastPath.readHeader(memory.tables, group) === undefined) {
    s.off('upstream');
    setTimeout(() => proxySlowly(s, tries - 1), COLD_INTERVAL);
    return;
  }
  choice = selection.select(memory, variables, group, '');
  variables.gateway_peer = choice === undefined ? NO_SERVER : choice[1];
  s.done();
}

/** `js_set` in the log phase: counts the session out. Always empty, so that a log with `if=` stays silent. */
function release(s: NginxStreamRequest): string {
  if (choice === undefined) return '';
  var variables = s.variables;
  if (fastPath.release(counters, variables, choice[0], choice[2]))
    timing.addTimes(counters, variables, choice[0], ['connect_time', 'first_byte_time', 'session_time']);
  if (s.status === 502) failedTries.countFailure(counters, choice[0]);
  // Interpreters that are used again know nothing of the session before.
  choice = undefined;
  return '';
}

export default { connect, open, release };
