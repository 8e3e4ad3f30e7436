/** `/api/N/{http,stream}/upstreams`. */
import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import type { Parameters } from '../model/server.js';
import * as parameters from '../model/server.js';
import type { UpstreamConfig } from '../store/config.js';
import * as config from '../store/config.js';
import type { Peer } from '../store/group.js';
import * as liveTable from '../store/live-table.js';
import type { Platform } from '../store/platform.js';
import type { ServerStats } from '../store/server-stats.js';
import * as serverStats from '../store/server-stats.js';
import * as servers from '../store/servers.js';
import * as apiErrors from './errors.js';
import type { Pieces } from './json-pieces.js';
import * as jsonPieces from './json-pieces.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import * as upstreamBody from './upstream-body.js';
import * as versions from './versions.js';

function serverBody(platform: Platform, request: ApiRequest, peer: Peer): object {
  return upstreamBody.serverBody(platform, peer.id, peer, request.version);
}

/** The parsed body. Throws if it has a parameter that the version does not have. */
function bodyOf(request: ApiRequest): unknown {
  const body = apiRequest.jsonBody(request);
  const drain =
    body !== null && typeof body === 'object' && dict.get(body as { [name: string]: unknown }, 'drain');
  if (request.version < versions.DRAIN && drain !== undefined && drain !== false)
    throw errors.refusal('UpstreamConfFormatError', 'unknown parameter "drain"');
  return body;
}

/** As in NGINX, a group with consistent hashing has no backup servers. */
function checkBackup(upstream: UpstreamConfig, asked: Parameters): void {
  if (asked.backup && upstream.method === 'hash')
    throw apiErrors.apiError(
      400,
      'UpstreamNoBackup',
      'load balancing method does not support parameter "backup"',
    );
}

type StatsOf = (uid: number) => ServerStats;

/** A group with its peers. They are read page by page. */
function overview(platform: Platform, request: ApiRequest, name: string, statsOf: StatsOf): Pieces {
  const pages = servers.serverPages(platform, name);
  const rest = apiRequest.selectFields(request, upstreamBody.upstreamBody(platform, name, statsOf));
  if (!apiRequest.isSelected(request, 'peers')) return jsonPieces.whole(rest);
  const show = (peer: Peer) => upstreamBody.peerBody(platform, peer, statsOf(peer.uid), request.version);
  const peers = pages.map((readPage) => () => readPage().map(show));
  return jsonPieces.object('peers', jsonPieces.array(peers), rest);
}

function list(platform: Platform, request: ApiRequest): ApiResponse {
  const names = config.upstreamNames(platform.config);
  if (request.args.fields === '') return { status: 200, body: names };
  const statsOf = serverStats.statsReader(platform);
  const groups = names.map((name) => ({ name: name, value: overview(platform, request, name, statsOf) }));
  return { status: 200, pieces: jsonPieces.map(groups) };
}

function serveGroup(platform: Platform, request: ApiRequest, name: string): ApiResponse {
  if (request.method === 'DELETE') {
    const pieces = servers.statResets(platform, name).map((reset) => () => {
      reset();
      return '';
    });
    return { status: 204, pieces: pieces };
  }
  return { status: 200, pieces: overview(platform, request, name, serverStats.statsReader(platform)) };
}

function listServers(platform: Platform, request: ApiRequest, name: string): ApiResponse {
  const pages = servers.serverPages(platform, name);
  const show = (peer: Peer) => serverBody(platform, request, peer);
  return { status: 200, pieces: jsonPieces.array(pages.map((readPage) => () => readPage().map(show))) };
}

/** The response to a change. It may have to wait until requests follow the change completely. */
function changed(platform: Platform, name: string, response: ApiResponse): ApiResponse {
  const isReady = liveTable.whenBuilt(platform, name);
  if (isReady !== undefined) response.isReady = isReady;
  return response;
}

function serveServers(platform: Platform, request: ApiRequest, name: string): ApiResponse {
  if (request.method !== 'POST') return listServers(platform, request, name);
  // As in NGINX Plus, the body is checked before the group is looked up.
  const asked = parameters.checkNew(bodyOf(request), platform.kind);
  checkBackup(config.upstreamConfig(platform.config, name), asked);
  const added = servers.addServer(platform, name, asked);
  return changed(platform, name, { status: 201, body: serverBody(platform, request, added) });
}

function parseId(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw apiErrors.apiError(400, 'UpstreamBadServerId', 'invalid server ID');
  return Number(text);
}

function serveServer(platform: Platform, request: ApiRequest, name: string, idText: string): ApiResponse {
  config.upstreamConfig(platform.config, name);
  const id = parseId(idText);
  if (request.method === 'PATCH') {
    const changes = parameters.check(bodyOf(request), platform.kind);
    const patched = servers.patchServer(platform, name, id, changes);
    return changed(platform, name, { status: 200, body: serverBody(platform, request, patched) });
  }
  if (request.method === 'DELETE') {
    servers.removeServer(platform, name, id);
    return changed(platform, name, listServers(platform, request, name));
  }
  return { status: 200, body: serverBody(platform, request, servers.getServer(platform, name, id)) };
}

/** `rest` are the path segments behind `upstreams`. */
export function serveUpstreams(platform: Platform, request: ApiRequest, rest: string[]): ApiResponse {
  if (rest.length === 0) {
    apiRequest.allowMethods(request, []);
    return list(platform, request);
  }
  const name = rest[0] as string;
  if (rest.length === 1) {
    apiRequest.allowMethods(request, ['DELETE']);
    return serveGroup(platform, request, name);
  }
  if (rest[1] !== 'servers' || rest.length > 3) throw apiErrors.pathNotFound;
  if (rest.length === 2) {
    apiRequest.allowMethods(request, ['POST']);
    return serveServers(platform, request, name);
  }
  apiRequest.allowMethods(request, ['PATCH', 'DELETE']);
  return serveServer(platform, request, name, rest[2] as string);
}
