/** njs module: the API in the stream block. Requests come from the proxy in the http block. */
import * as dispatch from '../api/dispatch.js';
import type { WireRequest } from '../api/http-wire.js';
import * as wire from '../api/http-wire.js';
import * as processInfo from '../api/process-info.js';
import * as requestTarget from '../api/request-target.js';
import * as versions from '../api/versions.js';
import * as zoneStats from '../store/zone-stats.js';
import * as platforms from './nginx-platform.js';
import * as timeSlices from './time-slices.js';

/** The response of this session. njs gives each session its own interpreter. */
let response = '';

/** `js_preread`: waits for the request, and then for its response. */
function read(s: NginxStreamRequest): void {
  s.on('upstream', (data, flags) => {
    const request = wire.parseRequest(data, (from, to) => data.toString('utf8', from, to));
    if (request === undefined && !flags.last) return;
    s.off('upstream');
    respond(request).then(
      (text) => {
        response = text;
        s.done();
      },
      (thrown) => {
        s.error(`api: ${String(thrown)}`);
        response = wire.formatResponse(500, '', 0);
        s.done();
      },
    );
  });
}

/** The target by which the http block asks for its {@link processInfo.BlockInfo}. It is not a path of the API. */
const STATUS = '/status';

function format(status: number, text: string): string {
  return wire.formatResponse(status, text, Buffer.from(text).length);
}

function serveStatus(method: string): string {
  const platform = platforms.platformOf('stream');
  if (method === 'DELETE') zoneStats.resetTlsStats(platform);
  return format(200, JSON.stringify(processInfo.blockInfo(platform)));
}

async function respond(wireRequest: WireRequest | undefined): Promise<string> {
  if (wireRequest === undefined) return format(400, '');
  if (wireRequest.target === STATUS) return serveStatus(wireRequest.method);
  const platform = platforms.platformOf('stream');
  const request = {
    method: wireRequest.method,
    path: requestTarget.pathOf(wireRequest.target),
    version: versions.NEWEST,
    args: requestTarget.queryOf(wireRequest.target),
    body: wireRequest.body,
    write: wireRequest.headers['x-api-write'] === 'on',
    requestId: String(wireRequest.headers['x-request-id']),
  };
  const pacer = platforms.createPacer(platform);
  try {
    const reply = await timeSlices.respond(pacer, () => dispatch.respond(platform, undefined, request));
    const parts: string[] = [];
    await timeSlices.write(pacer, reply.pieces, (text) => parts.push(text));
    return format(reply.status, parts.join(''));
  } finally {
    pacer.rest();
  }
}

/** `js_set`: the complete HTTP response. */
function answer(): string {
  return response;
}

export default { read, answer };
