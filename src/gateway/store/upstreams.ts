/** Operations on upstream groups, each atomic over all workers and kept in the state file. */
import * as quick from '../balance/quick.js';
import * as errors from '../model/errors.js';
import * as own from '../model/own.js';
import type { Parameters } from '../model/server.js';
import * as server from '../model/server.js';
import * as figures from './figures.js';
import type { Group, Peer } from './group.js';
import * as group from './group.js';
import * as lock from './lock.js';
import type { Platform, UpstreamConfig } from './platform.js';
import * as statefile from './statefile.js';

/** Where shared memory keeps the declarations, and the format of tables, that it was brought in line with. */
const LOADED = ' loaded';

export function names(platform: Platform): string[] {
  return platform.config.upstreams === undefined ? [] : Object.keys(platform.config.upstreams);
}

/** A new member of a group. */
function enlist(platform: Platform, target: Group, parameters: Parameters): Peer {
  const peer: Peer = Object.assign({ id: target.next, uid: platform.counters.incr(' uid', 1) }, parameters);
  target.next += 1;
  if (peer.down || peer.drain) peer.downstart = platform.now();
  target.peers.push(peer);
  return peer;
}

/** A group's servers as text: its state or, while there is none, what it is declared with. */
function remembered(platform: Platform, name: string): string {
  const text = platform.read(name);
  if (text !== undefined) return text;
  const servers = declared(platform, name).servers;
  let lines = '';
  // Preloaded arrays have an index and a length, and none of the methods of arrays.
  if (servers !== undefined) for (let i = 0; i < servers.length; i++) lines += `server ${servers[i]};\n`;
  return lines;
}

function restore(platform: Platform, name: string): void {
  const target: Group = { next: 0, peers: [], gone: [] };
  const parameters = statefile.parse(remembered(platform, name), platform.kind, (line) =>
    platform.warn(`${platform.kind} upstream "${name}": ignored "${line}"`),
  );
  for (let i = 0; i < parameters.length; i++) enlist(platform, target, parameters[i] as Parameters);
  group.write(platform, name, target);
  group.balance(platform, name, target);
}

/** Brings memory in line with what is declared: all groups after a start, those that changed after a reload. */
export function load(platform: Platform): void {
  if (platform.config.upstreams === undefined) return;
  const wanted = quick.FORMAT + JSON.stringify(platform.config.upstreams);
  if (platform.tables.get(LOADED) === wanted) return;
  lock.locked(platform, () => {
    const all = names(platform);
    for (let i = 0; i < all.length; i++) {
      const name = all[i] as string;
      if (platform.tables.get(` group/${name}`) === undefined) restore(platform, name);
      // A reload may have changed how the group balances, or the modules that lay out its table.
      else group.balance(platform, name, group.read(platform, name));
    }
    platform.tables.set(LOADED, wanted);
  });
}

/** The configuration of a group. Throws the API's answer for one that is not declared. */
export function declared(platform: Platform, name: string): UpstreamConfig {
  const config = own.get(platform.config.upstreams, name);
  if (config === undefined) throw errors.failure(404, 'UpstreamNotFound', 'upstream not found');
  return config;
}

export function get(platform: Platform, name: string): Group {
  declared(platform, name);
  load(platform);
  return group.read(platform, name);
}

/** What a change does to the number of servers: one more may not use the room that is reserved for the others. */
type Effect = 'adds' | 'adds nothing';

/** Memory that is kept free for changes that add nothing, so that a server of a full zone can be drained and removed. */
const RESERVE = ' reserve';
/** How much that is, in bytes. Beside it, because a reload with another size of the zone takes both away. */
const RESERVED = ' reserved';
/** A generous estimate of what one server takes up, in bytes. */
const SERVER_SIZE = 256;

/** Reserves room to write a group of that many servers once more. Throws when there is none. */
function reserve(platform: Platform, servers: number): void {
  let size = 2 * SERVER_SIZE;
  while (size < (servers + 1) * SERVER_SIZE) size *= 2;
  if (Number(platform.tables.get(RESERVED) || 0) >= size) return;
  platform.tables.set(RESERVE, ' '.repeat(size));
  platform.tables.set(RESERVED, `${size}`);
}

/** Gives the reserve up; false when there was none. */
function release(platform: Platform): boolean {
  platform.tables.delete(RESERVED);
  return platform.tables.delete(RESERVE);
}

function store(platform: Platform, name: string, target: Group): void {
  group.write(platform, name, target);
  group.balance(platform, name, target);
}

/** Brings a changed group into memory. Throws when there is no room for it. */
function commit(platform: Platform, name: string, target: Group, effect: Effect): void {
  if (effect === 'adds') {
    reserve(platform, target.peers.length);
    store(platform, name, target);
    return;
  }
  try {
    store(platform, name, target);
  } catch (full) {
    if (!release(platform)) throw full;
    store(platform, name, target);
  }
}

/**
 * Changes a group alone among all workers; returns what `edit` returns. The state file comes first: what cannot be
 * kept is not done. What does not fit into shared memory is undone.
 */
function change<T>(platform: Platform, name: string, effect: Effect, edit: (target: Group) => T): T {
  declared(platform, name);
  load(platform);
  return lock.locked(platform, () => {
    const target = group.read(platform, name);
    const result = edit(target);
    const before = group.read(platform, name);
    platform.write(name, statefile.format(target.peers));
    try {
      commit(platform, name, target, effect);
    } catch (thrown) {
      platform.warn(`${platform.kind} upstream "${name}": ${String(thrown)}`);
      platform.write(name, statefile.format(before.peers));
      commit(platform, name, before, 'adds nothing');
      throw errors.failure(400, 'UpstreamOutOfMemory', `upstream "${name}" memory exhausted`);
    }
    return result;
  });
}

export function find(target: Group, id: number): Peer {
  for (let i = 0; i < target.peers.length; i++) {
    const peer = target.peers[i] as Peer;
    if (peer.id === id) return peer;
  }
  throw errors.failure(404, 'UpstreamServerNotFound', `server with ID "${id}" does not exist`);
}

export function add(platform: Platform, name: string, parameters: Parameters): Peer {
  return change(platform, name, 'adds', (target) => {
    const peer = enlist(platform, target, parameters);
    if (peer.slow_start !== undefined && target.peers.length > 1) peer.warming = platform.now();
    return peer;
  });
}

/** Applies a PATCH and keeps the books on how long the server has been out. */
export function patch(platform: Platform, name: string, id: number, changes: Parameters): Peer {
  return change(platform, name, 'adds nothing', (target) => {
    const old = find(target, id);
    const now = platform.now();
    const wasOut = old.down || old.drain;
    const peer = server.patch(id, old, changes) as Peer;
    const isOut = peer.down || peer.drain;
    if (!wasOut && isOut) peer.downstart = now;
    if (wasOut && !isOut) recover(peer, now);
    target.peers[target.peers.indexOf(old)] = peer;
    return peer;
  });
}

/** Puts a server that was out back in: its downtime ends, its failures are forgotten, its slow start begins. */
export function recover(peer: Peer, now: number): void {
  if (peer.downstart !== undefined) {
    peer.downtime = (peer.downtime === undefined ? 0 : peer.downtime) + now - peer.downstart;
    delete peer.downstart;
  }
  delete peer.until;
  if (peer.slow_start !== undefined) peer.warming = now;
}

export function remove(platform: Platform, name: string, id: number): Group {
  return change(platform, name, 'adds nothing', (target) => {
    const peer = find(target, id);
    target.peers.splice(target.peers.indexOf(peer), 1);
    target.gone.push(peer.uid);
    return target;
  });
}

/** Forgets the statistics of a group's servers; what is open stays counted. */
export function reset(platform: Platform, name: string): void {
  const target = get(platform, name);
  for (let i = 0; i < target.peers.length; i++) figures.forget(platform, (target.peers[i] as Peer).uid, true);
  change(platform, name, 'adds nothing', (fresh) => {
    for (let i = 0; i < fresh.peers.length; i++) {
      const peer = fresh.peers[i] as Peer;
      delete peer.downtime;
      delete peer.unavail;
    }
  });
}
