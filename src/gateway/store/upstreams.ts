/**
 * Operations on upstream groups, each atomic over all workers. A change is made in memory, holds from then on, and is noted on
 * disk after that (state.ts).
 */

import * as fastPath from '../balance/fast-path.js';
import * as overflow from '../balance/overflow.js';
import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';
import type { Parameters } from '../model/server.js';
import * as parameters from '../model/server.js';
import * as admission from './admission.js';
import type { Directory, Group, Peer, Place, Writable } from './group.js';
import * as group from './group.js';
import * as groupState from './group-state.js';
import * as hashPoints from './hash-points.js';
import * as liveTable from './live-table.js';
import * as lock from './lock.js';
import type { Platform, UpstreamConfig } from './platform.js';
import * as serverStats from './server-stats.js';
import * as tableBuild from './table-build.js';
import type { Transaction } from './transaction.js';
import * as transaction from './transaction.js';
import * as upgrade from './upgrade.js';

/** Where shared memory keeps the declarations, and the format of tables, that it was brought in line with. */
const LOADED = ' loaded';

export function names(platform: Platform): string[] {
  return platform.config.upstreams === undefined ? [] : Object.keys(platform.config.upstreams);
}

/** Servers of a group, at most: a table tells them apart by two digits of base 90. */
export const MAX_SERVERS = 8100;

/** A new member of a group. */
function createPeer(parameters: Parameters, id: number, uid: number): Peer {
  return Object.assign({ id: id, uid: uid }, parameters);
}

/** The lines of a group that has no state yet: what it is declared with. */
function declaredLines(platform: Platform, name: string): string {
  const servers = configOf(platform, name).servers;
  let lines = '';
  // Preloaded arrays have an index and a length, and none of the methods of arrays.
  if (servers !== undefined) for (let i = 0; i < servers.length; i++) lines += `server ${servers[i]};\n`;
  return lines;
}

/** The highest uid that is taken from a state file. */
const MAX_UID = 1_000_000_000_000;

/**
 * Takes a remembered uid, or a fresh one where it is not higher than that of the server before it, on which tables rely, or
 * another server has it.
 */
function uidOf(platform: Platform, remembered: number | undefined, previous: number): number {
  if (remembered === undefined || remembered <= previous || remembered > MAX_UID) return fresh(platform);
  if (group.findByUid(platform.tables, `${remembered}`) !== undefined) return fresh(platform);
  if (remembered > (platform.counters.get(' uid') || 0)) platform.counters.set(' uid', remembered);
  return remembered;
}

function fresh(platform: Platform): number {
  return platform.counters.incr(' uid', 1);
}

/** Whether a remembered server may still be one. What gateway.json declares has no uid, and is the operator's word. */
function isAdmitted(platform: Platform, name: string, remembered: groupState.SavedServer): boolean {
  if (remembered.uid === undefined) return true;
  const reason = admission.objection(platform, remembered.parameters.server as string);
  if (reason !== undefined) platform.warn(`${platform.kind} upstream "${name}": ignored a server: ${reason}`);
  return reason === undefined;
}

function restore(platform: Platform, name: string): void {
  const memory = groupState.readState(platform, name, declaredLines(platform, name));
  const admitted = memory.servers.filter((remembered) => isAdmitted(platform, name, remembered));
  const servers = admitted.slice(0, MAX_SERVERS);
  if (servers.length < admitted.length)
    platform.warn(`${platform.kind} upstream "${name}": ignored all but ${MAX_SERVERS} servers of its state`);
  let previous = 0;
  let renamed = false;
  const peers = servers.map((remembered, i) => {
    previous = uidOf(platform, remembered.uid, previous);
    if (previous !== remembered.uid) renamed = true;
    return createPeer(remembered.parameters, i, previous);
  });
  group.writeAll(platform.tables, name, peers, peers.length);
  groupState.continueAfter(platform, name, memory.sequence, !renamed);
}

/** What memory is brought in line with: the declarations, and the format of tables. */
function wantedOf(platform: Platform): string {
  return fastPath.FORMAT + JSON.stringify(platform.config.upstreams);
}

/** Whether memory is in line with what is declared. */
export function isLoaded(platform: Platform): boolean {
  return platform.config.upstreams === undefined || platform.tables.get(LOADED) === wantedOf(platform);
}

/**
 * Brings memory in line with what is declared: all groups after a start, those that changed after a reload. Throws
 * {@link errors.locked} while another worker does that.
 */
export function load(platform: Platform): void {
  if (isLoaded(platform)) return;
  lock.withLock(platform, () => {
    if (isLoaded(platform)) return;
    const all = names(platform);
    upgrade.convertOldFormat(platform, all, platform.tables.get(LOADED));
    for (let i = 0; i < all.length; i++) {
      const name = all[i] as string;
      if (!group.isKnown(platform.tables, name)) restore(platform, name);
      // A reload may have changed how the group balances, or the modules that lay out its table.
      tableBuild.buildNow(platform, platform.tables, name);
    }
    platform.tables.set(LOADED, wantedOf(platform));
  });
}

/** Brings memory in line, unless another worker does that or has the lock; whether it is in line now. */
export function tryLoad(platform: Platform): boolean {
  try {
    load(platform);
    return true;
  } catch (thrown) {
    if (thrown !== errors.locked) throw thrown;
    return false;
  }
}

/** The configuration of a group. Throws the API's answer for one that is not declared. */
export function configOf(platform: Platform, name: string): UpstreamConfig {
  const config = dict.get(platform.config.upstreams, name);
  if (config === undefined) throw errors.failure(404, 'UpstreamNotFound', 'upstream not found');
  return config;
}

/** A group as a whole. */
export function get(platform: Platform, name: string): Group {
  ready(platform, name);
  return group.read(platform, name);
}

/** One server. Throws the API's answer when there is none with this id. */
export function server(platform: Platform, name: string, id: number): Peer {
  ready(platform, name);
  return find(platform.tables, name, id).peer;
}

/** Servers of a group, piece by piece: functions that give some each, in order. */
export function serverPages(platform: Platform, name: string): (() => Peer[])[] {
  ready(platform, name);
  return group
    .directory(platform.tables, name)
    .pages.map((first) => () => group.readPage(platform.tables, name, first));
}

/** Makes sure that a group is declared and in memory. */
function ready(platform: Platform, name: string): void {
  configOf(platform, name);
  load(platform);
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

/** What a change did to one server: `before` is `undefined` when it was added, `after` when it was removed. */
interface Edit {
  before?: Peer;
  after?: Peer;
}

/** Whether a change of parameters asks for another table. */
function matters(before: Peer, after: Peer): boolean {
  return (
    before.weight !== after.weight ||
    before.max_conns !== after.max_conns ||
    before.slowStartSince !== after.slowStartSince
  );
}

/** What has to be done to the tables in use, where the group is not small, until there are others. */
interface Amendment {
  out?: Peer;
  in?: Peer;
}

/** Has requests follow a change: in a small group by other tables at once. */
function amend(platform: Platform, tables: Writable, name: string, amendment: Amendment): void {
  if (liveTable.isBuiltAtOnce(platform, tables, name, group.directory(tables, name))) {
    tableBuild.buildNow(platform, tables, name);
    return;
  }
  if (amendment.out !== undefined) liveTable.removeServer(platform, tables, name, amendment.out.uid);
  if (amendment.in !== undefined) liveTable.addServer(platform, tables, name, amendment.in);
  liveTable.requestBuild(platform, name);
}

/** Has requests follow an edit. */
function follow(platform: Platform, tables: Writable, name: string, edit: Edit): void {
  const was = edit.before !== undefined && group.isEnabled(edit.before);
  const is = edit.after !== undefined && group.isEnabled(edit.after);
  if (!was && !is) return;
  if (was && is && !matters(edit.before as Peer, edit.after as Peer)) return;
  const amendment: Amendment = {};
  if (was && !is) amendment.out = edit.before as Peer;
  if (!was && is) amendment.in = edit.after as Peer;
  amend(platform, tables, name, amendment);
}

/** Has requests follow what has happened to servers; `out` is one that they are to leave. The caller has the lock. */
export function rebalance(platform: Platform, name: string, out?: Peer): void {
  const amendment: Amendment = out === undefined ? {} : { out: out };
  const run = () => {
    const tables = transaction.begin(platform.tables);
    try {
      amend(platform, tables, name, amendment);
    } catch (thrown) {
      tables.undo();
      throw thrown;
    }
  };
  try {
    run();
  } catch (full) {
    if (!release(platform)) throw full;
    run();
  }
}

/** Gives the reserve up for a table that has no room; false when there is none. */
export function makeRoom(platform: Platform): boolean {
  return release(platform);
}

/** Makes a change once; what fails leaves nothing behind. */
function make(platform: Platform, name: string, change: (tables: Transaction) => Edit): Edit {
  const tables = transaction.begin(platform.tables);
  try {
    const edit = change(tables);
    follow(platform, tables, name, edit);
    return edit;
  } catch (thrown) {
    tables.undo();
    throw thrown;
  }
}

/** Makes a change. One that adds nothing may use the room that is reserved for it. */
function commit(
  platform: Platform,
  name: string,
  effect: Effect,
  change: (tables: Transaction) => Edit,
): Edit {
  try {
    if (effect === 'adds') reserve(platform, group.directory(platform.tables, name).count + 1);
    return make(platform, name, change);
  } catch (thrown) {
    if (errors.isFailure(thrown)) throw thrown;
    if (effect === 'adds nothing' && release(platform)) return make(platform, name, change);
    platform.warn(`${platform.kind} upstream "${name}": ${String(thrown)}`);
    throw errors.failure(400, 'UpstreamOutOfMemory', `upstream "${name}" memory exhausted`);
  }
}

/**
 * Changes one server of a group alone among all workers. Throws the API's answer, and then nothing has changed. What
 * does not reach the disk is made all the same: that a server that is gone gets no requests, and that a new one gets its
 * share, counts for more than what a restart would begin with, and the watcher then sets every server again.
 */
function change(platform: Platform, name: string, effect: Effect, body: (tables: Transaction) => Edit): Edit {
  ready(platform, name);
  let number = 0;
  const edit = lock.withLock(platform, () => {
    const made = commit(platform, name, effect, body);
    number = groupState.nextSequence(platform, name);
    return made;
  });
  const peer = (edit.after === undefined ? edit.before : edit.after) as Peer;
  groupState.logChange(platform, name, number, peer.uid, edit.after);
  return edit;
}

function find(tables: group.Readable, name: string, id: number): Place {
  const found = group.findById(tables, name, id);
  if (found === undefined)
    throw errors.failure(404, 'UpstreamServerNotFound', `server with ID "${id}" does not exist`);
  return found;
}

/** Adds a server. */
export function add(platform: Platform, name: string, asked: Parameters): Peer {
  configOf(platform, name);
  admission.check(platform, asked.server as string);
  const edit = change(platform, name, 'adds', (tables) => {
    const found: Directory = group.directory(tables, name);
    if (found.count >= MAX_SERVERS)
      throw errors.failure(
        400,
        'UpstreamOutOfMemory',
        `upstream "${name}" has ${MAX_SERVERS} servers, which is all it can`,
      );
    const peer = createPeer(asked, found.next, platform.counters.incr(' uid', 1));
    if (peer.slow_start !== undefined && found.count > 0) peer.slowStartSince = platform.clock();
    group.insert(tables, name, peer);
    return { after: peer };
  });
  return edit.after as Peer;
}

/** Applies a PATCH. A server that is taken out is not unavailable any more: that time is over. */
export function patch(platform: Platform, name: string, id: number, changes: Parameters): Peer {
  const edit = change(platform, name, 'adds nothing', (tables) => {
    const place = find(tables, name, id);
    const peer = parameters.patch(id, place.peer, changes) as Peer;
    const was = group.isEnabled(place.peer);
    if (was && !group.isEnabled(peer)) endDowntime(platform, peer);
    if (!was && group.isEnabled(peer)) endUnavailability(platform, peer);
    const before = place.peer;
    group.replace(tables, name, place, peer);
    return { before: before, after: peer };
  });
  return edit.after as Peer;
}

/** Notes that a server is unavailable from now on. As in NGINX Plus, one that is down or draining is not. */
export function startDowntime(platform: Platform, peer: Peer): void {
  if (peer.downSince !== undefined) return;
  peer.downstart = platform.now();
  peer.downSince = platform.clock();
}

function endDowntime(platform: Platform, peer: Peer): void {
  if (peer.downSince !== undefined) {
    const lasted = platform.clock() - peer.downSince;
    peer.downtime = (peer.downtime === undefined ? 0 : peer.downtime) + lasted;
    delete peer.downSince;
  }
  delete peer.downstart;
}

/** Puts a server that was out back in: its downtime ends, its failures are forgotten, its slow start begins. */
export function endUnavailability(platform: Platform, peer: Peer): void {
  endDowntime(platform, peer);
  delete peer.unavailableUntil;
  if (peer.slow_start !== undefined) peer.slowStartSince = platform.clock();
}

/** Removes a server. */
export function remove(platform: Platform, name: string, id: number): void {
  change(platform, name, 'adds nothing', (tables) => {
    const place = find(tables, name, id);
    group.remove(tables, name, place);
    return { before: place.peer };
  });
}

/** Changes what has happened to a server, if it is still there; not its parameters. The caller has the lock. */
export function updatePeer(
  platform: Platform,
  name: string,
  id: number,
  edit: (peer: Peer, directory: Directory) => void,
): void {
  const place = group.findById(platform.tables, name, id);
  if (place === undefined) return;
  const peer = Object.assign({}, place.peer);
  edit(peer, place.directory);
  group.replace(platform.tables, name, place, peer);
}

/** Forgets the statistics of a group's servers, some with each call; what is open stays counted. */
export function resets(platform: Platform, name: string): (() => void)[] {
  const work = serverPages(platform, name).map((some) => () => {
    const peers = some();
    for (let i = 0; i < peers.length; i++) resetOne(platform, name, peers[i] as Peer);
  });
  work.push(() => {
    platform.counters.delete(overflow.OVERFLOWS + name);
  });
  return work;
}

function resetOne(platform: Platform, name: string, peer: Peer): void {
  serverStats.resetStats(platform, peer.uid, true);
  lock.withLock(platform, () =>
    updatePeer(platform, name, peer.id, (changed) => {
      delete changed.downtime;
      delete changed.unavail;
    }),
  );
}

/** Forgets what is left of servers that have been removed. */
export function forget(platform: Platform, uid: number): void {
  serverStats.resetStats(platform, uid, false);
  hashPoints.forgetPoints(platform, uid);
}
