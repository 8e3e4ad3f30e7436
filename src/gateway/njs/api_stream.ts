/** njs module: the API in the stream block, behind the http block's proxy. */
import * as handler from '../api/handle.js';
import * as query from '../api/query.js';
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

async function respond(request: Request | undefined): Promise<string> {
  if (request === undefined) return wire.answer(400, '', 0);
  const platform = platforms.of('stream');
  const info = { version: ngx.version, address: '', generation: 0, loaded: 0, ppid: process.ppid };
  const call = {
    method: request.method,
    path: query.path(request.target),
    args: query.args(request.target),
    body: request.body,
    write: request.headers['x-api-write'] === 'on',
    requestId: String(request.headers['x-request-id']),
  };
  const given = await slices.persist(
    () => handler.begin(platform, info, call),
    (found) => found.busy,
  );
  const text = await slices.join(given.pieces);
  return wire.answer(given.status, text, Buffer.from(text).length);
}

/** `js_set`: the whole HTTP answer. */
function answer(): string {
  return reply;
}

export default { read, answer };
