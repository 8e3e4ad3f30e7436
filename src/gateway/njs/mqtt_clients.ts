/**
 * njs module: what the stream block tells the http block of MQTT, on the gateway and on NGINX Plus. The shared memory of one
 * block is not that of the other: they talk through a Unix socket.
 */
import * as wire from '../api/http-wire.js';
import * as requestTarget from '../api/request-target.js';
import type { Clients } from '../store/seen-clients.js';
import * as seenClients from '../store/seen-clients.js';

/** The response of this session. njs gives each session its own interpreter. */
let response = '';

function clients(): Clients {
  return (ngx.shared as unknown as { mqtt_clients: Clients }).mqtt_clients;
}

/** `js_preread`: waits for the request `GET /?begins=lamp-+fan-`, and takes the ClientIds that begin so. */
function read(s: NginxStreamRequest): void {
  s.on('upstream', (data, flags) => {
    const request = wire.parseRequest(data, (from, to) => data.toString('utf8', from, to));
    if (request === undefined && !flags.last) return;
    s.off('upstream');
    const prefixes = request === undefined ? [] : prefixesOf(request.target);
    const text = JSON.stringify(seenClients.take(clients(), prefixes));
    response = wire.formatResponse(200, text, text.length);
    s.done();
  });
}

function prefixesOf(target: string): string[] {
  const wanted = requestTarget.queryOf(target).begins;
  return wanted === undefined ? [] : wanted.split(' ');
}

/** `js_set`: the complete HTTP response. */
function answer(): string {
  return response;
}

/**
 * `js_set` on NGINX Plus: by what a session's broker is chosen: its ClientId, which is noted, or the client's address where
 * it has none.
 */
function session(s: NginxStreamRequest): string {
  const clientId = s.variables.mqtt_preread_clientid;
  if (!clientId) return s.remoteAddress;
  seenClients.note(clients(), clientId, Date.now);
  return clientId;
}

export default { read, answer, session };
