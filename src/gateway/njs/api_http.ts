/** njs module: the API in the http block. */
import * as handler from '../api/handle.js';
import type { Instance } from '../api/instance.js';
import * as query from '../api/query.js';
import * as status from '../api/status.js';
import * as errors from '../model/errors.js';
import * as reasons from '../model/reasons.js';
import type { Platform } from '../store/platform.js';
import * as generation from './generation.js';
import * as platforms from './platform.js';
import * as slices from './slices.js';

/** `js_content`: answers `/api`. `$api_write` is `on` where changes are allowed. */
async function handle(r: NginxHTTPRequest): Promise<void> {
  const target = r.variables.request_uri as string;
  const path = query.path(target);
  const page = status.needsTraffic(path) ? await r.subrequest('/gateway_stub_status') : undefined;
  const platform = platforms.of('http');
  const info = instance(r, platform);
  if (page !== undefined) info.traffic = status.parse(page.responseText as string);
  const call = {
    method: r.method,
    path: path,
    args: query.args(target),
    body: r.requestText === undefined ? '' : r.requestText,
    write: r.variables.api_write === 'on',
    requestId: r.variables.request_id as string,
  };
  const reply = await slices.persist(
    () => handler.begin(platform, info, call),
    (found) => found.busy,
  );
  const text = await slices.join(reply.pieces);
  r.headersOut['Content-Type'] = 'application/json';
  r.headersOut['Cache-Control'] = 'no-cache';
  r.return(reply.status, text);
}

function instance(r: NginxHTTPRequest, platform: Platform): Instance {
  const found = generation.current(platform);
  return {
    version: ngx.version,
    address: r.variables.server_addr as string,
    generation: found.number,
    loaded: found.loaded,
    ppid: process.ppid,
    workers: platform.workers(),
  };
}

/** What a client can do about an error of NGINX's own, where its name does not say it. */
const HINTS: { [status: string]: string } = {
  401: 'a credential is required: a user and password, a bearer token or a client certificate',
  403: 'callers at this address are not admitted: GATEWAY_API_ALLOW lists those that are',
};

/** `js_content` behind `error_page`: an error of NGINX's own as an error object. */
function failed(r: NginxHTTPRequest): void {
  const status = Number(r.variables.status);
  const phrase = reasons.phrase(status);
  const hint = HINTS[`${status}`];
  const code = status === 500 ? 'InternalError' : phrase.replace(/ /g, '');
  const error = errors.failure(status, code, hint === undefined ? phrase.toLowerCase() : hint);
  r.headersOut['Content-Type'] = 'application/json';
  r.return(status, errors.render(error, r.variables.request_id as string));
}

export default { handle, failed };
