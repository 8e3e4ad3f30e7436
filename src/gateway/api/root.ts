/** `/api/N/nginx`, `/api/N/processes` and their neighbours: what this NGINX is, and what it does as a whole. */
import * as traffic from '../balance/traffic-counters.js';
import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import type { Platform } from '../store/platform.js';
import * as zoneStats from '../store/zone-stats.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import type { StubStatus } from './stub-status.js';
import * as stubStatusPage from './stub-status.js';

/** What this NGINX says about itself. */
export interface ProcessInfo {
  version: string;
  /** Address that took the call. */
  address: string;
  /** Number of loads of the configuration by this master, from 1. */
  generation: number;
  /** When that configuration was loaded, ms since the epoch. */
  loaded: number;
  ppid: number;
  /** The worker processes that serve; absent in the stream block. */
  workers?: number[];
  /** Those, and the ones that only end what they have under way. */
  pids: number[];
  /** What passes through the http block, for the paths that show it. */
  traffic?: StubStatus;
  /** What the stream block counts; absent where there is none. */
  stream?: BlockInfo;
}

/** What each of the two blocks has of its own, and the API shows as one. */
export interface BlockInfo {
  slabs: { [zone: string]: Slab };
  ssl?: { [figure: string]: number };
}

/** A shared memory zone. njs does not tell of the slots into which NGINX divides pages. */
interface Slab {
  pages: { used: number; free: number };
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

/**
 * Clients look for the release of NGINX Plus in it, from which they conclude what it serves: version 9 of the API, and
 * no licence, is release 30. The rest is what tells the gateway from NGINX Plus.
 */
const BUILD = 'nginx-plus-r30-sidekick-gateway';

/** Bytes of a page of shared memory, wherever NGINX runs in practice. */
const PAGE = 4096;

function nginx(platform: Platform, info: ProcessInfo, call: ApiRequest): ApiResponse {
  const body = {
    version: info.version,
    build: BUILD,
    address: info.address,
    generation: info.generation,
    load_timestamp: new Date(info.loaded).toISOString(),
    timestamp: new Date(platform.now()).toISOString(),
    pid: platform.pid,
    ppid: info.ppid,
  };
  return { status: 200, body: apiRequest.selectFields(call, body) };
}

function processes(platform: Platform, call: ApiRequest): ApiResponse {
  if (call.method === 'DELETE') {
    platform.counters.delete(RESPAWNED);
    return { status: 204 };
  }
  const count = platform.counters.get(RESPAWNED);
  return { status: 200, body: { respawned: count === undefined ? 0 : count } };
}

/** What one block has. */
export function blockInfo(platform: Platform): BlockInfo {
  const memory = platform.memory();
  const names = Object.keys(memory);
  const slabs: { [zone: string]: Slab } = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const zone = memory[name] as { capacity: number; free: number };
    const free = Math.floor(zone.free / PAGE);
    slabs[name] = { pages: { used: Math.floor(zone.capacity / PAGE) - free, free: free } };
  }
  const found: BlockInfo = { slabs: slabs };
  const ssl = zoneStats.ssl(platform, traffic.ALL_TLS) as { [figure: string]: number } | undefined;
  if (ssl !== undefined) found.ssl = ssl;
  return found;
}

/** Sets the figures of TLS back. */
export function resetTlsStats(platform: Platform): void {
  zoneStats.zero(platform, `${traffic.ALL_TLS}handshakes`);
  zoneStats.zero(platform, `${traffic.ALL_TLS}session_reuses`);
}

/** The handshakes of both blocks. Those that failed leave no trace in http, so their number is not known. */
function ssl(platform: Platform, info: ProcessInfo, call: ApiRequest): ApiResponse {
  if (call.method === 'DELETE') {
    resetTlsStats(platform);
    return { status: 204 };
  }
  const sums: { [figure: string]: number } = { handshakes: 0, session_reuses: 0 };
  const parts = [blockInfo(platform).ssl, info.stream === undefined ? undefined : info.stream.ssl];
  for (let i = 0; i < parts.length; i++) {
    const found = parts[i] || {};
    sums.handshakes = (sums.handshakes as number) + (found.handshakes || 0);
    sums.session_reuses = (sums.session_reuses as number) + (found.session_reuses || 0);
  }
  return { status: 200, body: apiRequest.selectFields(call, sums) };
}

function slabs(platform: Platform, info: ProcessInfo, call: ApiRequest, rest: string[]): ApiResponse {
  apiRequest.allowMethods(call, rest.length === 1 ? ['DELETE'] : []);
  const all = Object.assign(
    {},
    blockInfo(platform).slabs,
    info.stream === undefined ? {} : info.stream.slabs,
  );
  if (rest.length === 0) return { status: 200, body: call.args.fields === '' ? Object.keys(all) : all };
  const found = dict.get(all, rest[0] as string);
  if (found === undefined) throw errors.failure(404, 'SlabNotFound', 'slab not found');
  // What NGINX Plus sets back, how often each slot was asked for, is not known here.
  return call.method === 'DELETE'
    ? { status: 204 }
    : { status: 200, body: apiRequest.selectFields(call, found) };
}

/**
 * The worker processes by their number. One that has not made itself known yet has the first number that is free: NGINX
 * starts them in that order.
 */
function seats(platform: Platform, serving: number[]): { id: number; pid: number }[] {
  const seated: { id: number; pid: number }[] = [];
  const waiting = serving.slice().sort((a, b) => a - b);
  const free: number[] = [];
  for (let id = 0; id < serving.length; id++) {
    const at = waiting.indexOf(platform.counters.get(traffic.workerSlot(id)) || 0);
    if (at < 0) free.push(id);
    else seated.push({ id: id, pid: waiting.splice(at, 1)[0] as number });
  }
  for (let i = 0; i < free.length; i++) {
    const pid = waiting[i];
    if (pid !== undefined) seated.push({ id: free[i] as number, pid: pid });
  }
  return seated.sort((a, b) => a.id - b.id);
}

/** The worker processes with the requests that each has ended. NGINX does not tell whose the connections are. */
function workers(platform: Platform, info: ProcessInfo, call: ApiRequest, rest: string[]): ApiResponse {
  apiRequest.allowMethods(call, ['DELETE']);
  const all = seats(platform, info.workers || []);
  const asked = rest.length === 0 ? all : all.filter((worker) => `${worker.id}` === rest[0]);
  if (rest.length === 1 && asked.length === 0)
    throw errors.failure(404, 'WorkerNotFound', 'worker not found');
  if (call.method === 'DELETE') {
    for (let i = 0; i < asked.length; i++)
      zoneStats.zero(platform, traffic.workerRequests((asked[i] as { id: number }).id));
    return { status: 204 };
  }
  const shown = asked.map((worker) => {
    const total = platform.counters.get(traffic.workerRequests(worker.id)) || 0;
    return apiRequest.selectFields(call, {
      id: worker.id,
      pid: worker.pid,
      http: { requests: { total: total } },
    });
  });
  return { status: 200, body: rest.length === 0 ? shown : shown[0] };
}

function resolvers(call: ApiRequest, rest: string[]): ApiResponse {
  apiRequest.allowMethods(call, rest.length === 1 ? ['DELETE'] : []);
  if (rest.length === 1) throw errors.failure(404, 'ResolverZoneNotFound', 'resolver zone not found');
  return { status: 200, body: {} };
}

function single(platform: Platform, info: ProcessInfo, call: ApiRequest, name: string): ApiResponse {
  apiRequest.allowMethods(call, name === 'nginx' ? [] : ['DELETE']);
  switch (name) {
    case 'nginx':
      return nginx(platform, info, call);
    case 'processes':
      return processes(platform, call);
    case 'connections':
      return stubStatusPage.connections(platform, call, info.traffic);
    default:
      return ssl(platform, info, call);
  }
}

/** `rest` are the segments behind the version. */
export function serveRoot(
  platform: Platform,
  info: ProcessInfo,
  call: ApiRequest,
  rest: string[],
): ApiResponse {
  const name = rest[0] as string;
  if (rest.length > 2) throw errors.pathNotFound;
  if (name === 'slabs') return slabs(platform, info, call, rest.slice(1));
  if (name === 'workers') return workers(platform, info, call, rest.slice(1));
  if (name === 'resolvers') return resolvers(call, rest.slice(1));
  if (rest.length > 1 || ['nginx', 'processes', 'connections', 'ssl'].indexOf(name) < 0)
    throw errors.pathNotFound;
  return single(platform, info, call, name);
}
