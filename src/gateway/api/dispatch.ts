/** The NGINX Plus API: a request in, an answer out. The same code serves http and stream. */
import type { ApiFailure } from '../model/errors.js';
import * as errors from '../model/errors.js';
import type { Kind } from '../model/server.js';
import type { Platform } from '../store/platform.js';
import type { Pieces } from './json-pieces.js';
import * as jsonPieces from './json-pieces.js';
import * as keyvals from './keyvals.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import type { ProcessInfo } from './root.js';
import * as root from './root.js';
import type { Route } from './route.js';
import * as route from './route.js';
import * as stubStatusPage from './stub-status.js';
import * as upstreams from './upstreams.js';
import * as versions from './versions.js';
import * as zones from './zones.js';

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

function names(call: ApiRequest, prefix: string, all: string[]): ApiResponse {
  apiRequest.allowMethods(call, []);
  return { status: 200, body: all.filter((name) => versions.has(call.version, prefix + name)) };
}

/** The last segments of `/api/N/http/` and `/api/N/stream/`: what this gateway serves of them. */
function section(platform: Platform, info: ProcessInfo, call: ApiRequest, rest: string[]): ApiResponse {
  const prefix = `${platform.kind}/`;
  const name = rest[0];
  if (name === undefined) return names(call, prefix, ENDPOINTS[platform.kind]);
  if (ENDPOINTS[platform.kind].indexOf(name) < 0 || !versions.has(call.version, prefix + name))
    throw errors.pathNotFound;
  if (name === 'upstreams') return upstreams.serveUpstreams(platform, call, rest.slice(1));
  if (name === 'keyvals') return keyvals.serveKeyvals(platform, call, rest.slice(1));
  if (zones.isKind(name)) return zones.serveZones(platform, call, name, rest.slice(1), info.pids);
  if (rest.length > 1) throw errors.pathNotFound;
  apiRequest.allowMethods(call, ['DELETE']);
  return stubStatusPage.requests(platform, call, info.traffic);
}

function dispatch(platform: Platform, info: ProcessInfo, call: ApiRequest, found: Route): ApiResponse {
  if (found.kind === platform.kind) return section(platform, info, call, found.rest);
  const name = found.rest[0];
  if (found.kind !== '' || (name !== undefined && !versions.has(call.version, name)))
    throw errors.pathNotFound;
  if (name !== undefined) return root.serveRoot(platform, info, call, found.rest);
  const all = root.ENDPOINTS.filter((each) => each !== 'stream' || info.stream !== undefined);
  return names(call, '', all);
}

function serve(platform: Platform, info: ProcessInfo, call: ApiRequest): ApiResponse {
  const found = route.parseRoute(call.path);
  if (found === undefined) {
    apiRequest.allowMethods(call, []);
    return { status: 200, body: versions.ALL };
  }
  call.version = found.version;
  if (!call.write && READ.indexOf(call.method) < 0) throw errors.methodDisabled;
  return dispatch(platform, info, call, found);
}

/** The text of an error object, in the shape that the version has. */
function failed(call: ApiRequest, error: ApiFailure): string {
  return errors.render(error, call.requestId, call.version < versions.SHORT_ERRORS ? call : undefined);
}

/** What a call is answered with. */
export interface Reply {
  status: number;
  pieces: Pieces;
  /** Whether nothing was done because another worker has the lock, so that the call may be repeated. */
  busy: boolean;
  /** Tells when it may be given: see {@link ApiResponse}. */
  isReady: () => boolean;
}

function always(): boolean {
  return true;
}

/** Does what a call asks for. Failures become the API's error object; defects become a 500 and a line in the error log. */
export function respond(platform: Platform, info: ProcessInfo, call: ApiRequest): Reply {
  try {
    const answer = serve(platform, info, call);
    const body = answer.body === undefined ? [] : jsonPieces.whole(answer.body);
    return {
      status: answer.status,
      pieces: answer.pieces === undefined ? body : answer.pieces,
      busy: false,
      isReady: answer.awaits === undefined ? always : answer.awaits,
    };
  } catch (thrown) {
    const error = asFailure(platform, call, thrown);
    const text = failed(call, error);
    return { status: error.status, pieces: [() => text], busy: thrown === errors.locked, isReady: always };
  }
}

/** Answers a call at once. */
export function respondAtOnce(
  platform: Platform,
  info: ProcessInfo,
  call: ApiRequest,
): { status: number; text: string } {
  const reply = respond(platform, info, call);
  return { status: reply.status, text: jsonPieces.join(reply.pieces) };
}

function asFailure(platform: Platform, call: ApiRequest, thrown: unknown): ApiFailure {
  if (errors.isFailure(thrown)) return thrown;
  platform.warn(`api: ${call.method} ${call.path}: ${String(thrown)}`);
  return errors.failure(500, 'InternalError', 'internal error');
}
