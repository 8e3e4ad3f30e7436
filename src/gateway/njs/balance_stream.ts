/**
 * njs module: choosing a server for stream sessions, and counting them out. It runs in every session, so it
 * imports only what that needs.
 */
import key from '../balance/key.js';
import type { Request, Worker } from '../balance/pick.js';
import pick from '../balance/pick.js';
import mqtt from '../model/mqtt.js';

const NO_SERVER = 'no_live_upstreams';
/** How often, and how many times, a session looks for a table that is still being loaded. */
const COLD_INTERVAL = 50;
const COLD_TRIES = 100;

function worker(): Worker {
  const shared = ngx.shared as unknown as {
    stream_tables: Worker['tables'];
    stream_counters: Worker['counters'];
  };
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

/** `js_set`: the address to proxy to. The server is counted active from here to {@link release}. */
function peer(s: NginxStreamRequest): string {
  const variables = s.variables;
  const group = variables.upstream as string;
  const request: Request = {
    group: group,
    hash: () => key.bucket(variables, gateway.stream, group, 'mqtt_client_id'),
    tried: '',
  };
  const picked = pick.pick(worker(), request);
  if (picked.length === 0) return NO_SERVER;
  variables.gateway_uid = picked[0] as string;
  return picked[1] as string;
}

/** `js_set` in the log phase: counts the session out. Always empty, so that a log with `if=` stays silent. */
function release(s: NginxStreamRequest): string {
  const variables = s.variables;
  const uid = variables.gateway_uid;
  if (!uid) return '';
  const counters = worker().counters;
  counters.incr(`${uid}/${process.pid}`, -1);
  const sent = Number(variables.upstream_bytes_sent);
  const received = Number(variables.upstream_bytes_received);
  if (sent > 0) counters.incr(`${uid}/sent`, sent);
  if (received > 0) counters.incr(`${uid}/received`, received);
  if (s.status === 502) {
    counters.incr(`${uid}/fails`, 1);
    counters.incr(`failed/${uid}`, 1);
    counters.incr('failures', 1);
  }
  return '';
}

export default { connect, peer, release };
