/** njs module: the API in the stream block, behind the http block's proxy. */
import * as dispatch from '../api/dispatch.js';
import type { WireRequest } from '../api/http-wire.js';
import * as wire from '../api/http-wire.js';
import * as requestTarget from '../api/request-target.js';
import * as root from '../api/root.js';
import * as versions from '../api/versions.js';
import * as platforms from './nginx-platform.js';
import * as timeSlices from './time-slices.js';

/** The answer of this session; njs gives each session an interpreter of its own. */
let reply = '';

/** `js_preread`: waits for the request, and then for its answer. */
function read(s: NginxStreamRequest): void {
  s.on('upstream', (data, flags) => {
    const request = wire.parseRequest(data, (from, to) => data.toString('utf8', from, to));
    if (request === undefined && !flags.last) return;
    s.off('upstream');
    respond(request).then(
      (text) => {
        reply = text;
        s.done();
      },
      (thrown) => {
        s.error(`api: ${String(thrown)}`);
        reply = wire.formatResponse(500, '', 0);
        s.done();
      },
    );
  });
}

/** What the http block asks for to show it with its own: no path of the API, so nobody else can ask for it. */
const STATUS = '/status';

function whole(status: number, text: string): string {
  return wire.formatResponse(status, text, Buffer.from(text).length);
}

function status(method: string): string {
  const platform = platforms.platformOf('stream');
  if (method === 'DELETE') root.resetTlsStats(platform);
  return whole(200, JSON.stringify(root.blockInfo(platform)));
}

async function respond(request: WireRequest | undefined): Promise<string> {
  if (request === undefined) return whole(400, '');
  if (request.target === STATUS) return status(request.method);
  const platform = platforms.platformOf('stream');
  const info = {
    version: ngx.version,
    address: '',
    generation: 0,
    loaded: 0,
    ppid: process.ppid,
    pids: platforms.workerProcesses(),
  };
  const call = {
    method: request.method,
    path: requestTarget.pathOf(request.target),
    version: versions.NEWEST,
    args: requestTarget.queryOf(request.target),
    body: request.body,
    write: request.headers['x-api-write'] === 'on',
    requestId: String(request.headers['x-request-id']),
  };
  const given = await timeSlices.complete(() => dispatch.respond(platform, info, call));
  return whole(given.status, given.text);
}

/** `js_set`: the whole HTTP answer. */
function answer(): string {
  return reply;
}

export default { read, answer };
