/** njs module: the API in the http block. */
import handler from '../api/handle.js';
import query from '../api/query.js';
import generation from './generation.js';
import platforms from './platform.js';

/** `js_content`: answers `/api`. `$api_write` is `on` where changes are allowed. */
function handle(r: NginxHTTPRequest): void {
  const platform = platforms.of('http');
  const target = r.variables.request_uri as string;
  const answer = handler.handle(platform, instance(r, platform), {
    method: r.method,
    path: query.path(target),
    args: query.args(target),
    body: r.requestText === undefined ? '' : r.requestText,
    write: r.variables.api_write === 'on',
    requestId: r.variables.request_id as string,
  });
  r.headersOut['Content-Type'] = 'application/json';
  r.headersOut['Cache-Control'] = 'no-cache';
  r.return(answer.status, answer.text);
}

function instance(r: NginxHTTPRequest, platform: ReturnType<typeof platforms.of>) {
  const found = generation.current(platform);
  return {
    version: ngx.version,
    address: r.variables.server_addr as string,
    generation: found.number,
    loaded: found.loaded,
    ppid: process.ppid,
  };
}

export default { handle };
