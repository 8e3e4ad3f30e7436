/** njs module: the API in the stream block, behind the http block's proxy. */
import * as handler from '../api/handle.js';
import * as query from '../api/query.js';
import type { Request } from '../api/wire.js';
import * as wire from '../api/wire.js';
import * as platforms from './platform.js';

/** The request of this session; njs gives each session an interpreter of its own. */
let request: Request | undefined;

/** `js_preread`: waits for the request. */
function read(s: NginxStreamRequest): void {
  s.on('upstream', (data, flags) => {
    request = wire.parse(data, (from, to) => data.toString('utf8', from, to));
    if (request !== undefined || flags.last) {
      s.off('upstream');
      s.done();
    }
  });
}

/** `js_set`: the whole HTTP answer. */
function answer(): string {
  if (request === undefined) return wire.answer(400, '', 0);
  const platform = platforms.of('stream');
  const given = handler.handle(
    platform,
    { version: ngx.version, address: '', generation: 0, loaded: 0, ppid: process.ppid },
    {
      method: request.method,
      path: query.path(request.target),
      args: query.args(request.target),
      body: request.body,
      write: request.headers['x-api-write'] === 'on',
      requestId: String(request.headers['x-request-id']),
    },
  );
  return wire.answer(given.status, given.text, Buffer.from(given.text).length);
}

export default { read, answer };
