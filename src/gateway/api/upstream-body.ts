/** Groups and peers as the API shows them. */

import * as overflow from '../balance/overflow.js';
import type { Peer } from '../store/group.js';
import * as group from '../store/group.js';
import * as groupState from '../store/group-state.js';
import type { Platform } from '../store/platform.js';
import type { ServerStats } from '../store/server-stats.js';
import * as serverStats from '../store/server-stats.js';

type Shown = { [name: string]: unknown };

/** Counts by class and by code, from the exceptions that were counted and the number that were answered at all. */
function responses(found: ServerStats): Shown {
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
  return Object.assign({}, classes, { codes: codes, total: answered });
}

/** The times that the API shows, and what NGINX calls them. */
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

/** Average times in ms; none before a request was timed. */
function times(platform: Platform, found: ServerStats): Shown {
  const shown: Shown = {};
  TIMES[platform.kind].forEach((pair) => {
    const average = serverStats.average(found, pair[1] as string);
    if (average !== undefined) shown[pair[0] as string] = average;
  });
  return shown;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}

/** One peer. */
export function peer(platform: Platform, peer: Peer, found: ServerStats): Shown {
  const now = platform.clock();
  const shown: Shown = {
    id: peer.id,
    server: peer.server,
    name: peer.server,
    backup: peer.backup === true,
    weight: peer.weight === undefined ? 1 : peer.weight,
    state: group.state(peer, now),
    active: found.active,
  };
  if (peer.max_conns) shown.max_conns = peer.max_conns;
  if (platform.kind === 'http') {
    shown.requests = found.requests;
    shown.responses = responses(found);
  } else {
    shown.connections = found.requests;
  }
  shown.sent = found.sent;
  shown.received = found.received;
  Object.assign(shown, times(platform, found));
  shown.fails = found.fails;
  shown.unavail = peer.unavail === undefined ? 0 : peer.unavail;
  shown.health_checks = { checks: 0, fails: 0, unhealthy: 0 };
  const before = peer.downtime === undefined ? 0 : peer.downtime;
  shown.downtime = peer.downSince === undefined ? before : before + Math.max(0, now - peer.downSince);
  if (peer.downstart !== undefined) shown.downstart = iso(peer.downstart);
  const selected = platform.counters.get(` selected/${peer.uid}`);
  if (selected !== undefined) shown.selected = iso(selected);
  return shown;
}

/** One group without its peers. */
export function upstream(platform: Platform, name: string, figuresOf: (uid: number) => ServerStats): Shown {
  const shown: Shown = {};
  if (platform.kind === 'http') shown.keepalive = 0;
  // There is no queue. What finds all servers full is refused at once: that is how a queue of no size would show it.
  const overflows = platform.counters.get(overflow.OVERFLOWS + name);
  if (overflows !== undefined) shown.queue = { size: 0, max_size: 0, overflows: overflows };
  shown.zombies = group.removedUids(platform.tables, name).filter((uid) => figuresOf(uid).active > 0).length;
  shown.zone = name;
  // Not of NGINX Plus, and there only while it is so.
  if (groupState.staleReason(platform, name) !== undefined) shown.state = 'stale';
  return shown;
}
