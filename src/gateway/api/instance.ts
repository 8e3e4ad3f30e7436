/** `/api/N/nginx`, `/api/N/processes` and their neighbours. */
import * as errors from '../model/errors.js';
import type { Platform } from '../store/platform.js';
import type { Answer, Call } from './call.js';
import * as calls from './call.js';
import type { Traffic } from './status.js';
import * as status from './status.js';

/** What this NGINX says about itself. */
export interface Instance {
  version: string;
  /** Address that took the call. */
  address: string;
  /** Number of loads of the configuration by this master, from 1. */
  generation: number;
  /** When that configuration was loaded, ms since the epoch. */
  loaded: number;
  ppid: number;
  /** The worker processes; absent in the stream block. */
  workers?: number[];
  /** What passes through the http block, for the paths that show it. */
  traffic?: Traffic;
}

/** Root endpoints. */
export const ENDPOINTS = [
  'nginx',
  'processes',
  'connections',
  'slabs',
  'http',
  'stream',
  'resolvers',
  'ssl',
  'workers',
];
export const RESPAWNED = ' respawned';

function nginx(platform: Platform, info: Instance, call: Call): Answer {
  const body = {
    version: info.version,
    build: 'sidekick-gateway',
    address: info.address,
    generation: info.generation,
    load_timestamp: new Date(info.loaded).toISOString(),
    timestamp: new Date(platform.now()).toISOString(),
    pid: platform.pid,
    ppid: info.ppid,
  };
  return { status: 200, body: calls.limit(call, body) };
}

function processes(platform: Platform, call: Call): Answer {
  if (call.method === 'DELETE') {
    platform.counters.delete(RESPAWNED);
    return { status: 204 };
  }
  const count = platform.counters.get(RESPAWNED);
  return { status: 200, body: { respawned: count === undefined ? 0 : count } };
}

/** The worker processes. NGINX has no figures by worker, so it is their pids alone. */
function workers(info: Instance, call: Call): Answer {
  if (call.method !== 'GET' && call.method !== 'HEAD') throw errors.methodDisabled;
  return { status: 200, body: (info.workers || []).map((pid) => ({ pid: pid })) };
}

/** `rest` are the segments behind the version. */
export function handle(platform: Platform, info: Instance, call: Call, rest: string[]): Answer {
  const name = rest[0] as string;
  if (rest.length === 1 && name === 'workers') return workers(info, call);
  if (rest.length !== 1 || (name !== 'nginx' && name !== 'processes'))
    return status.handle(call, rest.join('/'), info.traffic);
  const allowed = name === 'processes' ? ['GET', 'HEAD', 'DELETE'] : ['GET', 'HEAD'];
  if (allowed.indexOf(call.method) < 0) throw errors.methodDisabled;
  return name === 'nginx' ? nginx(platform, info, call) : processes(platform, call);
}
