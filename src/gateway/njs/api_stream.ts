/** njs module: the API in the stream block, behind the http block's proxy. */
import * as handler from '../api/handle.js';
import * as instances from '../api/instance.js';
import * as queries from '../api/query.js';
import * as versions from '../api/versions.js';
import type { Request } from '../api/wire.js';
import * as wire from '../api/wire.js';
import * as platforms from './platform.js';
import * as slices from './slices.js';

/** The answer of this session; njs gives each session an interpreter of its own. */
let reply = '';

/** `js_preread`: waits for the request, and then for its answer. */
function read(s: NginxStreamRequest): void {
  s.on('upstream', (data, flags) => {
    const request = wire.parse(data, (from, to) => data.toString('utf8', from, to));
    if (request === undefined && !flags.last) return;
    s.off('upstream');
    respond(request).then(
      (text) => {
        reply = text;
        s.done();
      },
      (thrown) => {
        s.error(`api: ${String(thrown)}`);
        reply = wire.answer(500, '', 0);
        s.done();
      },
    );
  });
}

/** What the http block asks for to show it with its own: no path of the API, so nobody else can ask for it. */
const STATUS = '/status';

function whole(status: number, text: string): string {
  return wire.answer(status, text, Buffer.from(text).length);
}

function status(method: string): string {
  const platform = platforms.of('stream');
  if (method === 'DELETE') instances.resetTls(platform);
  return whole(200, JSON.stringify(instances.part(platform)));
}

async function respond(request: Request | undefined): Promise<string> {
  if (request === undefined) return whole(400, '');
  if (request.target === STATUS) return status(request.method);
  const platform = platforms.of('stream');
  const info = {
    version: ngx.version,
    address: '',
    generation: 0,
    loaded: 0,
    ppid: process.ppid,
    pids: platforms.children(),
  };
  const call = {
    method: request.method,
    path: queries.path(request.target),
    version: versions.NEWEST,
    args: queries.args(request.target),
    body: request.body,
    write: request.headers['x-api-write'] === 'on',
    requestId: String(request.headers['x-request-id']),
  };
  const given = await slices.answer(() => handler.begin(platform, info, call));
  return whole(given.status, given.text);
}

/** `js_set`: the whole HTTP answer. */
function answer(): string {
  return reply;
}

export default { read, answer };
