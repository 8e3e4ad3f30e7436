/**
 * njs module: choosing a server for stream sessions, and counting them out. It runs in every session, so it
 * imports only what that needs.
 */

import failures from '../balance/failure.js';
import key from '../balance/key.js';
import type { Variables, Worker } from '../balance/pick.js';
import pick from '../balance/pick.js';
import mqtt from '../model/mqtt.js';

const NO_SERVER = 'no_live_upstreams';
/** How often, and how many times, a session looks for a table that is still being loaded. */
const COLD_INTERVAL = 50;
const COLD_TRIES = 100;

/** The shared memory zones that choosing needs. */
interface Zones {
  stream_tables: Worker['tables'];
  stream_counters: Worker['counters'];
}

function worker(): Worker {
  const shared = ngx.shared as unknown as Zones;
  return { tables: shared.stream_tables, counters: shared.stream_counters, pid: process.pid };
}

/** `js_preread`: reads the CONNECT packet into `$mqtt_client_id`; a client that sends anything else is let go. */
function connect(s: NginxStreamRequest): void {
  s.on('upstream', (data, flags) => {
    const found = mqtt.parse(data);
    if (found.state === 'more' && !flags.last) return;
    s.off('upstream');
    if (found.state !== 'connect') {
      s.warn(`mqtt: ${found.state === 'invalid' ? found.reason : 'connection ended early'}`);
      s.deny();
      return;
    }
    // An empty ClientId asks the broker for one: such clients are told apart by where they come from.
    s.variables.mqtt_client_id = found.clientId === '' ? s.remoteAddress : found.clientId;
    warm(s, worker(), COLD_TRIES);
  });
}

/** Goes on as soon as the group's table is in memory, which it is but for the moments after a start. */
function warm(s: NginxStreamRequest, from: Worker, tries: number): void {
  if (tries === 0 || from.tables.get(s.variables.upstream as string) !== undefined) s.done();
  else setTimeout(() => warm(s, from, tries - 1), COLD_INTERVAL);
}

function bucket(variables: Variables, group: string): number {
  return key.bucket(variables, gateway.stream, group, 'mqtt_client_id');
}

/**
 * `js_set`: the address to proxy to. The server is counted active from here to {@link release}, on the counter
 * that `$gateway_counter` names.
 */
function peer(s: NginxStreamRequest): string {
  const variables = s.variables;
  const from = worker();
  return pick.quick(from, variables, bucket) || choose(from, variables, variables.upstream as string);
}

function choose(from: Worker, variables: Variables, group: string): string {
  const request = { group: group, hash: () => bucket(variables, variables.upstream as string), tried: '' };
  let picked = pick.pick(from, request);
  if (picked.length === 0) picked = pick.pick(from, Object.assign(request, { group: `${group} backup` }));
  if (picked.length === 0) return NO_SERVER;
  variables.gateway_counter = `${picked[0]}/${from.pid}`;
  return picked[1] as string;
}

/** `js_set` in the log phase: counts the session out. Always empty, so that a log with `if=` stays silent. */
function release(s: NginxStreamRequest): string {
  const variables = s.variables;
  const counter = variables.gateway_counter;
  if (!counter) return '';
  const counters = (ngx.shared as unknown as Zones).stream_counters;
  counters.incr(counter, -1);
  const uid = counter.substring(0, counter.indexOf('/'));
  const sent = Number(variables.upstream_bytes_sent);
  const received = Number(variables.upstream_bytes_received);
  if (sent > 0) counters.incr(`${uid}/sent`, sent);
  if (received > 0) counters.incr(`${uid}/received`, received);
  if (s.status === 502) failures.count(counters, uid);
  return '';
}

export default { connect, peer, release };
