/** The NGINX Plus API: a request in, an answer out. The same code serves http and stream. */
import type { ApiFailure } from '../model/errors.js';
import * as errors from '../model/errors.js';
import type { Kind } from '../model/server.js';
import type { Platform } from '../store/platform.js';
import type { Answer, Call } from './call.js';
import * as calls from './call.js';
import type { Instance } from './instance.js';
import * as instance from './instance.js';
import * as keyvals from './keyvals.js';
import type { Pieces } from './pieces.js';
import * as pieces from './pieces.js';
import type { Route } from './route.js';
import * as route from './route.js';
import * as status from './status.js';
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

function names(call: Call, prefix: string, all: string[]): Answer {
  calls.allow(call, []);
  return { status: 200, body: all.filter((name) => versions.has(call.version, prefix + name)) };
}

/** The last segments of `/api/N/http/` and `/api/N/stream/`: what this gateway serves of them. */
function section(platform: Platform, info: Instance, call: Call, rest: string[]): Answer {
  const prefix = `${platform.kind}/`;
  const name = rest[0];
  if (name === undefined) return names(call, prefix, ENDPOINTS[platform.kind]);
  if (ENDPOINTS[platform.kind].indexOf(name) < 0 || !versions.has(call.version, prefix + name))
    throw errors.pathNotFound;
  if (name === 'upstreams') return upstreams.handle(platform, call, rest.slice(1));
  if (name === 'keyvals') return keyvals.handle(platform, call, rest.slice(1));
  if (zones.isKind(name)) return zones.handle(platform, call, name, rest.slice(1), info.pids);
  if (rest.length > 1) throw errors.pathNotFound;
  calls.allow(call, ['DELETE']);
  return status.requests(platform, call, info.traffic);
}

function dispatch(platform: Platform, info: Instance, call: Call, found: Route): Answer {
  if (found.kind === platform.kind) return section(platform, info, call, found.rest);
  const name = found.rest[0];
  if (found.kind !== '' || (name !== undefined && !versions.has(call.version, name)))
    throw errors.pathNotFound;
  if (name !== undefined) return instance.handle(platform, info, call, found.rest);
  const all = instance.ENDPOINTS.filter((each) => each !== 'stream' || info.stream !== undefined);
  return names(call, '', all);
}

function respond(platform: Platform, info: Instance, call: Call): Answer {
  const found = route.parse(call.path);
  if (found === undefined) {
    calls.allow(call, []);
    return { status: 200, body: versions.ALL };
  }
  call.version = found.version;
  if (!call.write && READ.indexOf(call.method) < 0) throw errors.methodDisabled;
  return dispatch(platform, info, call, found);
}

/** The text of an error object, in the shape that the version has. */
function failed(call: Call, error: ApiFailure): string {
  return errors.render(error, call.requestId, call.version < versions.SHORT_ERRORS ? call : undefined);
}

/** What a call is answered with. */
export interface Reply {
  status: number;
  pieces: Pieces;
  /** Whether nothing was done because another worker has the lock, so that the call may be repeated. */
  busy: boolean;
  /** Tells when it may be given: see {@link Answer}. */
  isReady: () => boolean;
}

function always(): boolean {
  return true;
}

/** Does what a call asks for. Failures become the API's error object; defects become a 500 and a line in the error log. */
export function begin(platform: Platform, info: Instance, call: Call): Reply {
  try {
    const answer = respond(platform, info, call);
    const body = answer.body === undefined ? [] : pieces.whole(answer.body);
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
export function handle(platform: Platform, info: Instance, call: Call): { status: number; text: string } {
  const reply = begin(platform, info, call);
  return { status: reply.status, text: pieces.join(reply.pieces) };
}

function asFailure(platform: Platform, call: Call, thrown: unknown): ApiFailure {
  if (errors.isFailure(thrown)) return thrown;
  platform.warn(`api: ${call.method} ${call.path}: ${String(thrown)}`);
  return errors.failure(500, 'InternalError', 'internal error');
}
