/** `/api/N/{http,stream}/upstreams`. */

import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import * as server from '../model/server.js';
import type { Peer } from '../store/group.js';
import * as liveTable from '../store/live-table.js';
import type { Platform, UpstreamConfig } from '../store/platform.js';
import * as serverStats from '../store/server-stats.js';
import * as upstreams from '../store/upstreams.js';
import type { Pieces } from './json-pieces.js';
import * as jsonPieces from './json-pieces.js';
import type { ApiRequest, ApiResponse } from './request.js';
import * as apiRequest from './request.js';
import * as upstreamBody from './upstream-body.js';
import * as versions from './versions.js';

function shown(platform: Platform, call: ApiRequest, peer: Peer): object {
  const found = server.render(peer.id, peer, platform.kind);
  if (call.version < versions.DRAIN) delete found.drain;
  return found;
}

/** The body, without what the version does not have. */
function bodyOf(call: ApiRequest): unknown {
  const body = apiRequest.jsonBody(call);
  const named =
    body !== null && typeof body === 'object' && dict.get(body as { [name: string]: unknown }, 'drain');
  if (call.version < versions.DRAIN && named !== undefined && named !== false)
    throw errors.failure(400, 'UpstreamConfFormatError', 'unknown parameter "drain"');
  return body;
}

/** A group that hashes knows no backups: a key has its server, wherever that is. */
function checkBackup(config: UpstreamConfig, parameters: server.Parameters): void {
  if (parameters.backup && config.method === 'hash')
    throw errors.failure(
      400,
      'UpstreamNoBackup',
      'load balancing method does not support parameter "backup"',
    );
}

/** A peer without what the version does not have. */
function peerOf(platform: Platform, call: ApiRequest, peer: Peer, found: serverStats.ServerStats): object {
  const whole = upstreamBody.peer(platform, peer, found) as { responses?: { codes?: unknown } };
  if (whole.responses !== undefined && call.version < versions.CODES) delete whole.responses.codes;
  return whole;
}

/** A group with its peers, in pieces: few peers at a time are looked at. */
function overview(platform: Platform, call: ApiRequest, name: string, figuresOf: FiguresOf): Pieces {
  const some = upstreams.serverPages(platform, name);
  const rest = apiRequest.selectFields(call, upstreamBody.upstream(platform, name, figuresOf));
  if (!apiRequest.isSelected(call, 'peers')) return jsonPieces.whole(rest);
  const peers = some.map(
    (read) => () => read().map((peer) => peerOf(platform, call, peer, figuresOf(peer.uid))),
  );
  return jsonPieces.object('peers', jsonPieces.array(peers), rest);
}

type FiguresOf = ReturnType<typeof serverStats.statsReader>;

function list(platform: Platform, call: ApiRequest): ApiResponse {
  const names = upstreams.names(platform);
  if (call.args.fields === '') return { status: 200, body: names };
  const figuresOf = serverStats.statsReader(platform);
  const groups = names.map((name) => ({ name: name, value: overview(platform, call, name, figuresOf) }));
  return { status: 200, pieces: jsonPieces.map(groups) };
}

function one(platform: Platform, call: ApiRequest, name: string): ApiResponse {
  if (call.method === 'DELETE') {
    const work = upstreams.resets(platform, name).map((reset) => () => {
      reset();
      return '';
    });
    return { status: 204, pieces: work };
  }
  return { status: 200, pieces: overview(platform, call, name, serverStats.statsReader(platform)) };
}

/** The servers of a group. */
function all(platform: Platform, call: ApiRequest, name: string): ApiResponse {
  const some = upstreams.serverPages(platform, name);
  return {
    status: 200,
    pieces: jsonPieces.array(some.map((read) => () => read().map((peer) => shown(platform, call, peer)))),
  };
}

/** An answer to a change. */
function changed(platform: Platform, name: string, answer: ApiResponse): ApiResponse {
  const awaits = liveTable.whenBuilt(platform, name);
  if (awaits !== undefined) answer.awaits = awaits;
  return answer;
}

function servers(platform: Platform, call: ApiRequest, name: string): ApiResponse {
  if (call.method === 'POST') {
    // Bodies are checked before the group is looked up, as NGINX Plus does.
    const parameters = server.checkNew(bodyOf(call), platform.kind);
    checkBackup(upstreams.configOf(platform, name), parameters);
    const body = shown(platform, call, upstreams.add(platform, name, parameters));
    return changed(platform, name, { status: 201, body: body });
  }
  return all(platform, call, name);
}

function serverId(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw errors.failure(400, 'UpstreamBadServerId', 'invalid server ID');
  return Number(text);
}

function member(platform: Platform, call: ApiRequest, name: string, idText: string): ApiResponse {
  upstreams.configOf(platform, name);
  const id = serverId(idText);
  if (call.method === 'PATCH') {
    const changes = server.check(bodyOf(call), platform.kind);
    const body = shown(platform, call, upstreams.patch(platform, name, id, changes));
    return changed(platform, name, { status: 200, body: body });
  }
  if (call.method === 'DELETE') {
    upstreams.remove(platform, name, id);
    return changed(platform, name, all(platform, call, name));
  }
  return { status: 200, body: shown(platform, call, upstreams.server(platform, name, id)) };
}

/** `rest` are the segments behind `upstreams`. */
export function serveUpstreams(platform: Platform, call: ApiRequest, rest: string[]): ApiResponse {
  if (rest.length === 0) {
    apiRequest.allowMethods(call, []);
    return list(platform, call);
  }
  const name = rest[0] as string;
  if (rest.length === 1) {
    apiRequest.allowMethods(call, ['DELETE']);
    return one(platform, call, name);
  }
  if (rest[1] !== 'servers' || rest.length > 3) throw errors.pathNotFound;
  if (rest.length === 2) {
    apiRequest.allowMethods(call, ['POST']);
    return servers(platform, call, name);
  }
  apiRequest.allowMethods(call, ['PATCH', 'DELETE']);
  return member(platform, call, name, rest[2] as string);
}
