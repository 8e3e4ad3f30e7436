/** The entry point of the NGINX Plus API: dispatches a request to its endpoint. The http and the stream block share it. */
import * as errors from '../model/errors.js';
import type { Kind } from '../model/server.js';
import type { Platform } from '../store/platform.js';
import type { ApiError } from './errors.js';
import * as apiErrors from './errors.js';
import type { Pieces } from './json-pieces.js';
import * as jsonPieces from './json-pieces.js';
import * as keyvals from './keyvals.js';
import type { ProcessInfo } from './process-info.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import * as root from './root.js';
import type { Route } from './route.js';
import * as routes from './route.js';
import * as stubStatus from './stub-status.js';
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

/** A list of those endpoints that the version has. `prefix` is their path without the name. */
function listEndpoints(request: ApiRequest, prefix: string, all: string[]): ApiResponse {
  apiRequest.allowMethods(request, []);
  return { status: 200, body: all.filter((name) => versions.has(request.version, prefix + name)) };
}

/** Serves `/api/N/http/` or `/api/N/stream/`. `nginx` is known in the http block. */
function serveKind(
  platform: Platform,
  nginx: ProcessInfo | undefined,
  request: ApiRequest,
  segments: string[],
): ApiResponse {
  const prefix = `${platform.kind}/`;
  const endpoints = ENDPOINTS[platform.kind];
  const name = segments[0];
  const rest = segments.slice(1);
  if (name === undefined) return listEndpoints(request, prefix, endpoints);
  if (endpoints.indexOf(name) < 0 || !versions.has(request.version, prefix + name))
    throw apiErrors.pathNotFound;
  if (name === 'upstreams') return upstreams.serveUpstreams(platform, request, rest);
  if (name === 'keyvals') return keyvals.serveKeyvals(platform, request, rest);
  if (zones.isZoneKind(name)) return zones.serveZones(platform, request, name, rest);
  if (rest.length > 0) throw apiErrors.pathNotFound;
  apiRequest.allowMethods(request, ['DELETE']);
  return stubStatus.serveRequests(platform, request, nginx === undefined ? undefined : nginx.stubStatus);
}

function serveRoute(
  platform: Platform,
  nginx: ProcessInfo | undefined,
  request: ApiRequest,
  route: Route,
): ApiResponse {
  if (route.kind === platform.kind) return serveKind(platform, nginx, request, route.rest);
  const name = route.rest[0];
  if (nginx === undefined || route.kind !== '') throw apiErrors.pathNotFound;
  if (name !== undefined && !versions.has(request.version, name)) throw apiErrors.pathNotFound;
  if (name !== undefined) return root.serveRoot(platform, nginx, request, route.rest);
  return listEndpoints(
    request,
    '',
    root.ENDPOINTS.filter((each) => each !== 'stream' || nginx.hasStream()),
  );
}

function serve(platform: Platform, nginx: ProcessInfo | undefined, request: ApiRequest): ApiResponse {
  const route = routes.parseRoute(request.path);
  if (route === undefined) {
    apiRequest.allowMethods(request, []);
    return { status: 200, body: versions.ALL };
  }
  request.version = route.version;
  if (!request.write && READ.indexOf(request.method) < 0) throw apiErrors.methodDisabled;
  return serveRoute(platform, nginx, request, route);
}

/** A response that is ready to be sent, piece by piece. */
export interface Reply {
  status: number;
  pieces: Pieces;
  /** Nothing was done, because another worker holds the lock. The request may be repeated. */
  busy: boolean;
  /** Tells when the response may be sent: see {@link ApiResponse}. */
  isReady: () => boolean;
}

function always(): boolean {
  return true;
}

function piecesOf(response: ApiResponse): Pieces {
  if (response.pieces !== undefined) return response.pieces;
  return response.body === undefined ? [] : jsonPieces.whole(response.body);
}

/** The API error for a caught value. A programming error becomes a 500 and a line in the error log. */
function errorOf(platform: Platform, request: ApiRequest, thrown: unknown): ApiError {
  const error = apiErrors.fromThrown(thrown);
  if (error !== undefined) return error;
  platform.warn(`api: ${request.method} ${request.path}: ${String(thrown)}`);
  return apiErrors.apiError(500, 'InternalError', 'internal error');
}

/** Serves a request. A failure becomes an error object. `nginx` is known in the http block alone. */
export function respond(platform: Platform, nginx: ProcessInfo | undefined, request: ApiRequest): Reply {
  try {
    const response = serve(platform, nginx, request);
    return {
      status: response.status,
      pieces: piecesOf(response),
      busy: false,
      isReady: response.isReady === undefined ? always : response.isReady,
    };
  } catch (thrown) {
    const error = errorOf(platform, request, thrown);
    const failed = request.version < versions.SHORT_ERRORS ? request : undefined;
    const text = apiErrors.renderError(error, request.requestId, failed);
    return { status: error.status, pieces: [() => text], busy: thrown === errors.locked, isReady: always };
  }
}
