/** njs module: the API in the http block. */
import handler from '../api/handle.js';
import query from '../api/query.js';
import errors from '../model/errors.js';
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

/** Errors that NGINX answers with before {@link handle} is asked. */
const REFUSALS: { [status: string]: string } = {
  403: 'Forbidden',
  413: 'RequestEntityTooLarge',
};

/** `js_content` behind `error_page`: an error of NGINX's own as an error object. */
function failed(r: NginxHTTPRequest): void {
  const status = r.variables.status as string;
  const code = REFUSALS[status];
  const error =
    code === undefined
      ? errors.failure(Number(status), 'InternalError', 'internal error')
      : errors.failure(
          Number(status),
          code,
          code.replace(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase(),
        );
  r.headersOut['Content-Type'] = 'application/json';
  r.return(error.status, errors.render(error, r.variables.request_id as string));
}

export default { handle, failed };
