/**
 * Status that exporters and dashboards ask for beside the upstream groups. What this NGINX has none of (caches, zones
 * that count) is empty, which is what NGINX Plus answers where none is configured; `ssl` names no figure.
 */
import * as errors from '../model/errors.js';
import * as own from '../model/own.js';
import type { Answer, Call } from './call.js';
import * as calls from './call.js';

/** Connections and requests of the http block, as stub_status counts them. */
export interface Traffic {
  accepted: number;
  handled: number;
  requests: number;
  active: number;
  busy: number;
  waiting: number;
}

/** Empty answers by path behind the version. */
const EMPTY: { [path: string]: unknown } = {
  slabs: {},
  resolvers: {},
  ssl: {},
  'http/server_zones': {},
  'http/location_zones': {},
  'http/caches': {},
  'http/limit_conns': {},
  'http/limit_reqs': {},
  'stream/server_zones': {},
  'stream/limit_conns': {},
};

/** Paths that need {@link Traffic}. */
const TRAFFIC = ['connections', 'http/requests'];

/** The figures of NGINX's stub_status page. */
export function parse(page: string): Traffic {
  const numbers = (page.match(/\d+/g) || []).map(Number);
  const at = (i: number): number => (numbers[i] === undefined ? 0 : (numbers[i] as number));
  return {
    active: at(0),
    accepted: at(1),
    handled: at(2),
    requests: at(3),
    busy: at(4) + at(5),
    waiting: at(6),
  };
}

/** Whether a path, as it was sent, needs {@link Traffic}. */
export function needsTraffic(path: string): boolean {
  return /^\/api\/\d+\/(connections|http\/requests)\/?$/.test(path);
}

function traffic(call: Call, path: string, found: Traffic): Answer {
  const body =
    path === 'connections'
      ? {
          accepted: found.accepted,
          dropped: found.accepted - found.handled,
          active: found.active - found.waiting,
          idle: found.waiting,
        }
      : { total: found.requests, current: found.busy };
  return { status: 200, body: calls.limit(call, body) };
}

/** Answers a path of this module; any other is not found. */
export function handle(call: Call, path: string, found: Traffic | undefined): Answer {
  const empty = own.get(EMPTY, path);
  const counted = found !== undefined && TRAFFIC.indexOf(path) >= 0;
  if (empty === undefined && !counted) throw errors.pathNotFound;
  if (call.method !== 'GET' && call.method !== 'HEAD') throw errors.methodDisabled;
  return counted ? traffic(call, path, found as Traffic) : { status: 200, body: empty };
}
