/** `/api/N/{http,stream}/upstreams`. */
import * as errors from '../model/errors.js';
import * as server from '../model/server.js';
import * as figures from '../store/figures.js';
import type { Peer } from '../store/group.js';
import type { Platform } from '../store/platform.js';
import * as render from '../store/render.js';
import * as upstreams from '../store/upstreams.js';
import type { Answer, Call } from './call.js';
import * as calls from './call.js';

function shown(platform: Platform, peer: Peer): object {
  return server.render(peer.id, peer, platform.kind);
}

function list(platform: Platform, call: Call): Answer {
  const names = upstreams.names(platform);
  if (call.args.fields === '') return { status: 200, body: names };
  const all = figures.all(platform);
  const body: { [name: string]: object } = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    body[name] = calls.limit(call, render.upstream(platform, name, upstreams.get(platform, name), all));
  }
  return { status: 200, body: body };
}

function one(platform: Platform, call: Call, name: string): Answer {
  const group = upstreams.get(platform, name);
  if (call.method === 'DELETE') {
    upstreams.reset(platform, name);
    return { status: 204 };
  }
  return {
    status: 200,
    body: calls.limit(call, render.upstream(platform, name, group, figures.all(platform))),
  };
}

function servers(platform: Platform, call: Call, name: string): Answer {
  if (call.method === 'POST') {
    // Bodies are checked before the group is looked up, as NGINX Plus does.
    const parameters = server.checkNew(calls.json(call), platform.kind);
    return { status: 201, body: shown(platform, upstreams.add(platform, name, parameters)) };
  }
  return { status: 200, body: upstreams.get(platform, name).peers.map((peer) => shown(platform, peer)) };
}

function serverId(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw errors.failure(400, 'UpstreamBadServerId', 'invalid server ID');
  return Number(text);
}

function member(platform: Platform, call: Call, name: string, idText: string): Answer {
  upstreams.declared(platform, name);
  const id = serverId(idText);
  if (call.method === 'PATCH') {
    const changes = server.check(calls.json(call), platform.kind);
    return { status: 200, body: shown(platform, upstreams.patch(platform, name, id, changes)) };
  }
  if (call.method === 'DELETE') {
    const rest = upstreams.remove(platform, name, id).peers;
    return { status: 200, body: rest.map((peer) => shown(platform, peer)) };
  }
  return { status: 200, body: shown(platform, upstreams.find(upstreams.get(platform, name), id)) };
}

function allow(call: Call, methods: string[]): void {
  if (call.method !== 'GET' && call.method !== 'HEAD' && methods.indexOf(call.method) < 0)
    throw errors.methodDisabled;
}

/** `rest` are the segments behind `upstreams`. */
export function handle(platform: Platform, call: Call, rest: string[]): Answer {
  if (rest.length === 0) {
    allow(call, []);
    return list(platform, call);
  }
  const name = rest[0] as string;
  if (rest.length === 1) {
    allow(call, ['DELETE']);
    return one(platform, call, name);
  }
  if (rest[1] !== 'servers' || rest.length > 3) throw errors.pathNotFound;
  if (rest.length === 2) {
    allow(call, ['POST']);
    return servers(platform, call, name);
  }
  allow(call, ['PATCH', 'DELETE']);
  return member(platform, call, name, rest[2] as string);
}
