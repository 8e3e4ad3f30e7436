/** Upstream groups, peers and servers as the API shows them. */
import * as overflow from '../balance/overflow.js';
import type { Parameters } from '../model/server.js';
import type { Peer } from '../store/group.js';
import * as group from '../store/group.js';
import * as groupState from '../store/group-state.js';
import type { Platform } from '../store/platform.js';
import type { ServerStats } from '../store/server-stats.js';
import * as serverStats from '../store/server-stats.js';
import * as versions from './versions.js';

type Body = { [name: string]: unknown };

/** Responses by class and by code. Status 200 is not counted: it is what remains of all responses. */
function responses(found: ServerStats, version: number): Body {
  const answered = Math.max(0, found.requests - found.active - found.unanswered);
  const classes: { [name: string]: number } = { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
  const codes: { [code: string]: number } = {};
  const others = Object.keys(found.codes);
  let plain = answered;
  for (let i = 0; i < others.length; i++) {
    const code = others[i] as string;
    const count = found.codes[code] as number;
    plain -= count;
    codes[code] = count;
    const name = `${code.charAt(0)}xx`;
    classes[name] = (classes[name] === undefined ? 0 : (classes[name] as number)) + count;
  }
  if (plain > 0) {
    codes['200'] = plain;
    classes['2xx'] = (classes['2xx'] as number) + plain;
  }
  const body: Body = classes;
  if (version >= versions.CODES) body.codes = codes;
  body.total = answered;
  return body;
}

/** The names of times in the API, and their names in NGINX's variables. */
const TIMES = {
  http: [
    ['header_time', 'header_time'],
    ['response_time', 'response_time'],
  ],
  stream: [
    ['connect_time', 'connect_time'],
    ['first_byte_time', 'first_byte_time'],
    ['response_time', 'session_time'],
  ],
};

/** Average times, in ms; none before the first timed request. */
function times(platform: Platform, found: ServerStats): Body {
  const body: Body = {};
  TIMES[platform.kind].forEach((pair) => {
    const average = serverStats.average(found, pair[1] as string);
    if (average !== undefined) body[pair[0] as string] = average;
  });
  return body;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** A peer, with the fields that the version has. */
export function peerBody(platform: Platform, peer: Peer, found: ServerStats, version: number): Body {
  const now = platform.clock();
  const body: Body = {
    id: peer.id,
    server: peer.server,
    name: peer.server,
    backup: peer.backup === true,
    weight: peer.weight === undefined ? 1 : peer.weight,
    state: group.state(peer, now),
    active: found.active,
  };
  if (peer.max_conns) body.max_conns = peer.max_conns;
  if (platform.kind === 'http') {
    body.requests = found.requests;
    body.responses = responses(found, version);
  } else {
    body.connections = found.requests;
  }
  body.sent = found.sent;
  body.received = found.received;
  Object.assign(body, times(platform, found));
  body.fails = found.fails;
  body.unavail = peer.unavail === undefined ? 0 : peer.unavail;
  body.health_checks = { checks: 0, fails: 0, unhealthy: 0 };
  const before = peer.downtime === undefined ? 0 : peer.downtime;
  body.downtime = peer.downSince === undefined ? before : before + Math.max(0, now - peer.downSince);
  if (peer.downstart !== undefined) body.downstart = iso(peer.downstart);
  const selected = platform.counters.get(` selected/${peer.uid}`);
  if (selected !== undefined) body.selected = iso(selected);
  return body;
}

/** A group without its peers. */
export function upstreamBody(platform: Platform, name: string, statsOf: (uid: number) => ServerStats): Body {
  const body: Body = {};
  if (platform.kind === 'http') body.keepalive = 0;
  // There is no queue. A request that finds all servers at their max_conns is refused: a queue of size 0 overflows.
  const overflows = platform.counters.get(overflow.OVERFLOWS + name);
  if (overflows !== undefined) body.queue = { size: 0, max_size: 0, overflows: overflows };
  body.zombies = group.removedUids(platform.tables, name).filter((uid) => statsOf(uid).active > 0).length;
  body.zone = name;
  // Not in NGINX Plus, and present only while it applies.
  if (groupState.staleReason(platform, name) !== undefined) body.state = 'stale';
  return body;
}

/** A server as `/servers` shows it: every field that the version has, in NGINX Plus's order. */
export function serverBody(platform: Platform, id: number, server: Parameters, version: number): Body {
  const body: Body = {
    id: id,
    server: server.server,
    weight: server.weight === undefined ? 1 : server.weight,
    max_conns: server.max_conns === undefined ? 0 : server.max_conns,
    max_fails: server.max_fails === undefined ? 1 : server.max_fails,
    fail_timeout: server.fail_timeout === undefined ? '10s' : server.fail_timeout,
    slow_start: server.slow_start === undefined ? '0s' : server.slow_start,
  };
  if (platform.kind === 'http') body.route = server.route === undefined ? '' : server.route;
  body.backup = server.backup === true;
  body.down = server.down === true;
  if (server.drain && version >= versions.DRAIN) body.drain = true;
  return body;
}
