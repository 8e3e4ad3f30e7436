/** njs module: the API in the http block. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';
import type { Reply } from '../api/dispatch.js';
import * as dispatch from '../api/dispatch.js';
import type { ApiError } from '../api/errors.js';
import * as apiErrors from '../api/errors.js';
import type { ProcessInfo } from '../api/process-info.js';
import * as reasonPhrases from '../api/reason-phrases.js';
import * as requestTarget from '../api/request-target.js';
import * as routes from '../api/route.js';
import * as stubStatus from '../api/stub-status.js';
import * as versions from '../api/versions.js';
import type { Platform } from '../store/platform.js';
import * as generation from './generation.js';
import * as platforms from './nginx-platform.js';
import type { Pacer } from './pacing.js';
import * as timeSlices from './time-slices.js';

/** The socket of the stream block's half of the API. NGINX creates it if there is a stream block, and removes it. */
const STREAM = '/run/sidekick-gateway/stream/stream.sock';

function hasStream(): boolean {
  try {
    fs.accessSync(STREAM);
    return true;
  } catch {
    return false;
  }
}

/** `js_content`: responds to `/api`. Changes are allowed if `$api_write` is `on`. */
async function handle(r: NginxHTTPRequest): Promise<void> {
  const platform = platforms.platformOf('http');
  const nginx = await processInfo(r, platform);
  const query = r.variables.args;
  const request = {
    method: r.method,
    path: r.uri,
    version: versions.NEWEST,
    args: requestTarget.queryOf(query === undefined ? '' : `?${query}`),
    body: r.requestText === undefined ? '' : r.requestText,
    write: r.variables.api_write === 'on',
    requestId: r.variables.request_id as string,
  };
  r.headersOut['Content-Type'] = 'application/json';
  r.headersOut['Cache-Control'] = 'no-cache';
  const pacer = platforms.createPacer(platform);
  try {
    const reply = await timeSlices.respond(pacer, () => dispatch.respond(platform, nginx, request));
    await send(r, pacer, reply);
  } finally {
    pacer.rest();
  }
}

/** Sends a response. A long one is sent while it is made: njs takes ten milliseconds to join the parts of a megabyte. */
async function send(r: NginxHTTPRequest, pacer: Pacer, reply: Reply): Promise<void> {
  if (reply.pieces.length === 1) {
    r.return(reply.status, (reply.pieces[0] as () => string)());
    return;
  }
  // An object, because njs gives an async function its own copy of a variable after it has waited.
  const sent = { header: false };
  await timeSlices.write(pacer, r.method === 'HEAD' ? [] : reply.pieces, (text) => {
    if (!sent.header) {
      r.status = reply.status;
      r.sendHeader();
      sent.header = true;
    }
    r.send(text);
  });
  if (sent.header) r.finish();
  else r.return(reply.status);
}

/** NGINX as a whole, including what the path needs. */
async function processInfo(r: NginxHTTPRequest, platform: Platform): Promise<ProcessInfo> {
  const nginx: ProcessInfo = {
    version: ngx.version,
    address: r.variables.server_addr as string,
    ppid: process.ppid,
    generation: () => generation.currentGeneration(platform, gateway_load),
    servingWorkers: platforms.servingWorkers,
    hasStream: hasStream,
  };
  const needed = routes.prerequisiteOf(r.uri);
  if (needed === 'stub status') {
    const page = await r.subrequest('/gateway_stub_status');
    nginx.stubStatus = stubStatus.parseStubStatus(page.responseText as string);
  }
  if (needed === 'stream block' && hasStream()) {
    // A DELETE resets the stream block's part as well.
    const method = r.method === 'DELETE' && r.variables.api_write === 'on' ? 'DELETE' : 'GET';
    const part = await r.subrequest('/gateway_stream_status', { method: method });
    if (part.status === 200) nginx.stream = JSON.parse(part.responseText as string);
  }
  return nginx;
}

/**
 * `js_set`: the request target for the stream block's half of the API: the path as NGINX has normalized it, and the query.
 */
function target(r: NginxHTTPRequest): string {
  const query = r.variables.args;
  const path = r.uri.split('/').map(encodeURIComponent).join('/');
  return query === undefined || query === '' ? path : `${path}?${query}`;
}

/** What a client can do about an error, if the reason phrase does not say it. */
const HINTS: { [status: string]: string } = {
  401: 'a credential is required: a user and password, a bearer token or a client certificate',
  403: 'this address may not call the API: GATEWAY_API_ALLOW lists those that may',
};

function returnError(r: NginxHTTPRequest, error: ApiError): void {
  r.headersOut['Content-Type'] = 'application/json';
  r.return(error.status, apiErrors.renderError(error, r.variables.request_id as string));
}

/** `js_content` behind `error_page`: turns NGINX's own error into an error object. */
function failed(r: NginxHTTPRequest): void {
  const status = Number(r.variables.status);
  const phrase = reasonPhrases.reasonPhrase(status);
  const hint = HINTS[`${status}`];
  const code = status === 500 ? 'InternalError' : phrase.replace(/ /g, '');
  returnError(r, apiErrors.apiError(status, code, hint === undefined ? phrase.toLowerCase() : hint));
}

/** `js_content` if the stream block's half of the API does not respond. Without a stream block its paths do not exist. */
function streamFailed(r: NginxHTTPRequest): void {
  returnError(r, hasStream() ? apiErrors.apiError(502, 'BadGateway', 'bad gateway') : apiErrors.pathNotFound);
}

export default { handle, target, failed, streamFailed };
