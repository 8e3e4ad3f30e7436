/** The NGINX Plus API: a request in, an answer out. The same code serves http and stream. */
import type { ApiFailure } from '../model/errors.js';
import * as errors from '../model/errors.js';
import type { Kind } from '../model/server.js';
import type { Platform } from '../store/platform.js';
import type { Answer, Call } from './call.js';
import type { Instance } from './instance.js';
import * as instance from './instance.js';
import * as keyvals from './keyvals.js';
import type { Pieces } from './pieces.js';
import * as pieces from './pieces.js';
import type { Route } from './route.js';
import * as route from './route.js';
import * as status from './status.js';
import * as upstreams from './upstreams.js';

/** What `/api/N/http/` and `/api/N/stream/` list. */
const ENDPOINTS: { [kind in Kind]: string[] } = {
  http: [
    'requests',
    'server_zones',
    'location_zones',
    'caches',
    'limit_conns',
    'limit_reqs',
    'keyvals',
    'upstreams',
  ],
  stream: ['server_zones', 'limit_conns', 'keyvals', 'upstreams'],
};

const READ = ['GET', 'HEAD', 'OPTIONS'];

function ok(body: unknown): Answer {
  return { status: 200, body: body };
}

/** The last segments of `/api/N/http/` and `/api/N/stream/`: what this gateway serves of them. */
function section(platform: Platform, info: Instance, call: Call, rest: string[]): Answer {
  if (rest.length === 0) return readOnly(call, ok(ENDPOINTS[platform.kind]));
  if (rest[0] === 'upstreams') return upstreams.handle(platform, call, rest.slice(1));
  if (rest[0] === 'keyvals') return keyvals.handle(platform, call, rest.slice(1));
  return status.handle(call, `${platform.kind}/${rest.join('/')}`, info.traffic);
}

function readOnly(call: Call, answer: Answer): Answer {
  if (call.method !== 'GET' && call.method !== 'HEAD') throw errors.methodDisabled;
  return answer;
}

function dispatch(platform: Platform, info: Instance, call: Call, found: Route): Answer {
  if (found.kind !== '' && found.kind === platform.kind) return section(platform, info, call, found.rest);
  if (found.rest.length === 0) return readOnly(call, ok(instance.ENDPOINTS));
  return instance.handle(platform, info, call, found.rest);
}

function respond(platform: Platform, info: Instance, call: Call): Answer {
  const found = route.parse(call.path);
  if (found === undefined) return readOnly(call, ok(route.VERSIONS));
  if (!call.write && READ.indexOf(call.method) < 0) throw errors.methodDisabled;
  return dispatch(platform, info, call, found);
}

/** What a call is answered with. */
export interface Reply {
  status: number;
  pieces: Pieces;
  /** Whether nothing was done because another worker has the lock, so that the call may be repeated. */
  busy: boolean;
}

/** Does what a call asks for. Failures become the API's error object; defects become a 500 and a line in the error log. */
export function begin(platform: Platform, info: Instance, call: Call): Reply {
  try {
    const answer = respond(platform, info, call);
    if (answer.pieces !== undefined) return { status: answer.status, pieces: answer.pieces, busy: false };
    return {
      status: answer.status,
      pieces: answer.body === undefined ? [] : pieces.whole(answer.body),
      busy: false,
    };
  } catch (thrown) {
    const error = asFailure(platform, call, thrown);
    const text = errors.render(error, call.requestId);
    return { status: error.status, pieces: [() => text], busy: thrown === errors.locked };
  }
}

/** Answers a call at once. */
export function handle(platform: Platform, info: Instance, call: Call): { status: number; text: string } {
  const reply = begin(platform, info, call);
  return { status: reply.status, text: pieces.join(reply.pieces) };
}

function asFailure(platform: Platform, call: Call, thrown: unknown): ApiFailure {
  if (errors.isFailure(thrown)) return thrown;
  platform.warn(`api: ${call.method} ${call.path}: ${String(thrown)}`);
  return errors.failure(500, 'InternalError', 'internal error');
}
