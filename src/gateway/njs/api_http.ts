/** njs module: the API in the http block. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';
import * as dispatch from '../api/dispatch.js';
import * as reasonPhrases from '../api/reason-phrases.js';
import * as requestTarget from '../api/request-target.js';
import type { ProcessInfo } from '../api/root.js';
import * as stubStatusPage from '../api/stub-status.js';
import * as versions from '../api/versions.js';
import type { ApiFailure } from '../model/errors.js';
import * as errors from '../model/errors.js';
import type { Platform } from '../store/platform.js';
import * as generation from './generation.js';
import * as platforms from './nginx-platform.js';
import * as timeSlices from './time-slices.js';

/** Where the stream block answers, if there is one: NGINX makes the socket, and removes it. */
const STREAM = '/run/sidekick-gateway/stream/stream.sock';

function hasStream(): boolean {
  try {
    fs.accessSync(STREAM);
    return true;
  } catch {
    return false;
  }
}

/** `js_content`: answers `/api`. `$api_write` is `on` where changes are allowed. */
async function handle(r: NginxHTTPRequest): Promise<void> {
  const platform = platforms.platformOf('http');
  const info = await instance(r, platform);
  const query = r.variables.args;
  const call = {
    method: r.method,
    path: r.uri,
    version: versions.NEWEST,
    args: requestTarget.queryOf(query === undefined ? '' : `?${query}`),
    body: r.requestText === undefined ? '' : r.requestText,
    write: r.variables.api_write === 'on',
    requestId: r.variables.request_id as string,
  };
  const answer = await timeSlices.complete(() => dispatch.respond(platform, info, call));
  r.headersOut['Content-Type'] = 'application/json';
  r.headersOut['Cache-Control'] = 'no-cache';
  r.return(answer.status, answer.text);
}

/** What this NGINX is, with the figures that the path asks for. */
async function instance(r: NginxHTTPRequest, platform: Platform): Promise<ProcessInfo> {
  const found = generation.currentGeneration(platform);
  const info: ProcessInfo = {
    version: ngx.version,
    address: r.variables.server_addr as string,
    generation: found.number,
    loaded: found.loaded,
    ppid: process.ppid,
    workers: platforms.servingWorkers(),
    pids: platforms.workerProcesses(),
  };
  if (hasStream()) info.stream = { slabs: {} };
  if (stubStatusPage.needsTraffic(r.uri)) {
    const page = await r.subrequest('/gateway_stub_status');
    info.traffic = stubStatusPage.parseStubStatus(page.responseText as string);
  }
  if (info.stream !== undefined && /^\/api\/\d\/(slabs|ssl)(\/|$)/.test(r.uri)) {
    // A reset of what both blocks have is one of the stream block's too.
    const method = r.method === 'DELETE' && r.variables.api_write === 'on' ? 'DELETE' : 'GET';
    const part = await r.subrequest('/gateway_stream_status', { method: method });
    if (part.status === 200) info.stream = JSON.parse(part.responseText as string);
  }
  return info;
}

/**
 * `js_set`: the request's target for the stream block: the path as NGINX understood it, which need not be the one that was
 * sent, and the query.
 */
function target(r: NginxHTTPRequest): string {
  const query = r.variables.args;
  const path = r.uri.split('/').map(encodeURIComponent).join('/');
  return query === undefined || query === '' ? path : `${path}?${query}`;
}

/** What a client can do about an error of NGINX's own, where its name does not say it. */
const HINTS: { [status: string]: string } = {
  401: 'a credential is required: a user and password, a bearer token or a client certificate',
  403: 'callers at this address are not admitted: GATEWAY_API_ALLOW lists those that are',
};

/** Answers with an error of NGINX's own as an error object. */
function refuse(r: NginxHTTPRequest, error: ApiFailure): void {
  r.headersOut['Content-Type'] = 'application/json';
  r.return(error.status, errors.render(error, r.variables.request_id as string));
}

/** `js_content` behind `error_page`. */
function failed(r: NginxHTTPRequest): void {
  const status = Number(r.variables.status);
  const phrase = reasonPhrases.reasonPhrase(status);
  const hint = HINTS[`${status}`];
  const code = status === 500 ? 'InternalError' : phrase.replace(/ /g, '');
  refuse(r, errors.failure(status, code, hint === undefined ? phrase.toLowerCase() : hint));
}

/** `js_content` for the stream block's half of the API when it does not answer: without a stream block there is none. */
function streamFailed(r: NginxHTTPRequest): void {
  refuse(r, hasStream() ? errors.failure(502, 'BadGateway', 'bad gateway') : errors.pathNotFound);
}

export default { handle, target, failed, streamFailed };
