/** `/api/N/nginx`, `/api/N/processes` and the other endpoints of the root: what NGINX is and does as a whole. */
import * as traffic from '../balance/traffic-counters.js';
import * as dict from '../model/dict.js';
import type { Platform } from '../store/platform.js';
import * as workerStore from '../store/workers.js';
import * as zoneStats from '../store/zone-stats.js';
import * as apiErrors from './errors.js';
import type { BlockInfo, ProcessInfo } from './process-info.js';
import * as processInfo from './process-info.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import * as stubStatus from './stub-status.js';

/** Endpoints of the root. */
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

/**
 * Clients look for a release of NGINX Plus in it, and conclude from it what the API has: release 30 is version 9 of the API,
 * without a license endpoint. The end identifies the gateway.
 */
const BUILD = 'nginx-plus-r30-sidekick-gateway';

function serveNginx(platform: Platform, nginx: ProcessInfo, request: ApiRequest): ApiResponse {
  const generation = nginx.generation();
  const body = {
    version: nginx.version,
    build: BUILD,
    address: nginx.address,
    generation: generation.number,
    load_timestamp: new Date(generation.loaded).toISOString(),
    timestamp: new Date(platform.now()).toISOString(),
    pid: platform.pid,
    ppid: nginx.ppid,
  };
  return { status: 200, body: apiRequest.selectFields(request, body) };
}

function serveProcesses(platform: Platform, request: ApiRequest): ApiResponse {
  if (request.method === 'DELETE') {
    platform.counters.delete(workerStore.RESPAWNED);
    return { status: 204 };
  }
  return { status: 200, body: { respawned: platform.counters.get(workerStore.RESPAWNED) || 0 } };
}

function streamOf(nginx: ProcessInfo): BlockInfo {
  return nginx.stream === undefined ? { slabs: {} } : nginx.stream;
}

/** The handshakes of both blocks. Failed ones are unknown, because they leave no trace in the http block. */
function serveSsl(platform: Platform, nginx: ProcessInfo, request: ApiRequest): ApiResponse {
  if (request.method === 'DELETE') {
    zoneStats.resetTlsStats(platform);
    return { status: 204 };
  }
  const sums = { handshakes: 0, session_reuses: 0 };
  const blocks = [processInfo.blockInfo(platform), streamOf(nginx)];
  for (let i = 0; i < blocks.length; i++) {
    const tls = (blocks[i] as BlockInfo).ssl;
    if (tls === undefined) continue;
    sums.handshakes += tls.handshakes;
    sums.session_reuses += tls.session_reuses;
  }
  return { status: 200, body: apiRequest.selectFields(request, sums) };
}

function serveSlabs(
  platform: Platform,
  nginx: ProcessInfo,
  request: ApiRequest,
  rest: string[],
): ApiResponse {
  apiRequest.allowMethods(request, rest.length === 1 ? ['DELETE'] : []);
  const all = Object.assign({}, processInfo.blockInfo(platform).slabs, streamOf(nginx).slabs);
  if (rest.length === 0) return { status: 200, body: request.args.fields === '' ? Object.keys(all) : all };
  const slab = dict.get(all, rest[0] as string);
  if (slab === undefined) throw apiErrors.apiError(404, 'SlabNotFound', 'slab not found');
  // A DELETE resets the statistics of slots in NGINX Plus, which do not exist here.
  if (request.method === 'DELETE') return { status: 204 };
  return { status: 200, body: apiRequest.selectFields(request, slab) };
}

/** A worker process: its number, from 0, and its process id. */
interface Worker {
  id: number;
  pid: number;
}

/**
 * The workers by their numbers. A worker that has not registered its number yet gets the first free one: NGINX starts them in
 * this order.
 */
function numberWorkers(platform: Platform, pids: number[]): Worker[] {
  const numbered: Worker[] = [];
  const waiting = pids.slice().sort((a, b) => a - b);
  const free: number[] = [];
  for (let id = 0; id < pids.length; id++) {
    const at = waiting.indexOf(platform.counters.get(traffic.workerSlot(id)) || 0);
    if (at < 0) free.push(id);
    else numbered.push({ id: id, pid: waiting.splice(at, 1)[0] as number });
  }
  for (let i = 0; i < free.length; i++) {
    const pid = waiting[i];
    if (pid !== undefined) numbered.push({ id: free[i] as number, pid: pid });
  }
  return numbered.sort((a, b) => a.id - b.id);
}

/** The workers with the requests that each has ended. NGINX does not tell which worker has which connections. */
function serveWorkers(
  platform: Platform,
  nginx: ProcessInfo,
  request: ApiRequest,
  rest: string[],
): ApiResponse {
  apiRequest.allowMethods(request, ['DELETE']);
  const all = numberWorkers(platform, nginx.servingWorkers());
  const asked = rest.length === 0 ? all : all.filter((worker) => `${worker.id}` === rest[0]);
  if (rest.length === 1 && asked.length === 0)
    throw apiErrors.apiError(404, 'WorkerNotFound', 'worker not found');
  if (request.method === 'DELETE') {
    for (let i = 0; i < asked.length; i++)
      zoneStats.zero(platform, traffic.workerRequests((asked[i] as Worker).id));
    return { status: 204 };
  }
  const shown = asked.map((worker) => {
    const total = platform.counters.get(traffic.workerRequests(worker.id)) || 0;
    const body = { id: worker.id, pid: worker.pid, http: { requests: { total: total } } };
    return apiRequest.selectFields(request, body);
  });
  return { status: 200, body: rest.length === 0 ? shown : shown[0] };
}

function serveResolvers(request: ApiRequest, rest: string[]): ApiResponse {
  apiRequest.allowMethods(request, rest.length === 1 ? ['DELETE'] : []);
  if (rest.length === 1) throw apiErrors.apiError(404, 'ResolverZoneNotFound', 'resolver zone not found');
  return { status: 200, body: {} };
}

/** Endpoints without segments behind their names. */
const SINGLE = ['nginx', 'processes', 'connections', 'ssl'];

function serveSingle(platform: Platform, nginx: ProcessInfo, request: ApiRequest, name: string): ApiResponse {
  apiRequest.allowMethods(request, name === 'nginx' ? [] : ['DELETE']);
  switch (name) {
    case 'nginx':
      return serveNginx(platform, nginx, request);
    case 'processes':
      return serveProcesses(platform, request);
    case 'connections':
      return stubStatus.serveConnections(platform, request, nginx.stubStatus);
    default:
      return serveSsl(platform, nginx, request);
  }
}

/** `segments` are the path segments behind the version. */
export function serveRoot(
  platform: Platform,
  nginx: ProcessInfo,
  request: ApiRequest,
  segments: string[],
): ApiResponse {
  const name = segments[0] as string;
  const rest = segments.slice(1);
  if (rest.length > 1) throw apiErrors.pathNotFound;
  if (name === 'slabs') return serveSlabs(platform, nginx, request, rest);
  if (name === 'workers') return serveWorkers(platform, nginx, request, rest);
  if (name === 'resolvers') return serveResolvers(request, rest);
  if (rest.length > 0 || SINGLE.indexOf(name) < 0) throw apiErrors.pathNotFound;
  return serveSingle(platform, nginx, request, name);
}
