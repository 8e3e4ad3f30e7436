/**
 * Reads and changes the servers of upstream groups. A change is atomic over all workers. It is made in memory, takes effect
 * at once, and is then logged on disk (group-state.ts).
 */
import * as overflow from '../balance/overflow.js';
import * as errors from '../model/errors.js';
import type { Parameters } from '../model/server.js';
import * as parameters from '../model/server.js';
import * as admission from './admission.js';
import * as config from './config.js';
import * as downtime from './downtime.js';
import type { Peer, Place } from './group.js';
import * as group from './group.js';
import * as groupState from './group-state.js';
import * as hashPoints from './hash-points.js';
import * as lock from './lock.js';
import * as reserve from './memory-reserve.js';
import type { Platform } from './platform.js';
import type { Edit } from './rebalance.js';
import * as rebalance from './rebalance.js';
import * as restore from './restore.js';
import * as serverStats from './server-stats.js';
import type { Transaction } from './transaction.js';
import * as transaction from './transaction.js';

/** Makes sure that a group is declared, and in memory. */
function prepare(platform: Platform, name: string): void {
  config.upstreamConfig(platform.config, name);
  restore.load(platform);
}

function find(tables: group.Readable, name: string, id: number): Place {
  const found = group.findById(tables, name, id);
  if (found === undefined)
    throw errors.refusal('UpstreamServerNotFound', `server with ID "${id}" does not exist`);
  return found;
}

/** One server. Throws `UpstreamServerNotFound`. */
export function getServer(platform: Platform, name: string, id: number): Peer {
  prepare(platform, name);
  return find(platform.tables, name, id).peer;
}

/** The servers of a group in order, page by page: each function reads one page. */
export function serverPages(platform: Platform, name: string): (() => Peer[])[] {
  prepare(platform, name);
  return group
    .directory(platform.tables, name)
    .pages.map((first) => () => group.readPage(platform.tables, name, first));
}

/** Whether a change adds a server. Adding must not use the reserved memory: see memory-reserve.ts. */
type Growth = 'adds a server' | 'adds none';

/** Makes a change and returns it. If it fails, nothing has changed. */
function commit(platform: Platform, name: string, growth: Growth, edit: (tables: Transaction) => Edit): Edit {
  const run = () =>
    transaction.run(platform.tables, (tables) => {
      const made = edit(tables);
      rebalance.follow(platform, tables, name, made);
      return made;
    });
  try {
    if (growth === 'adds a server')
      reserve.reserve(platform, group.directory(platform.tables, name).count + 1);
    return run();
  } catch (thrown) {
    if (errors.isRefusal(thrown)) throw thrown;
    if (growth === 'adds none' && reserve.freeReserve(platform)) return run();
    platform.warn(`${platform.kind} upstream "${name}": ${String(thrown)}`);
    throw errors.refusal('UpstreamOutOfMemory', `upstream "${name}" memory exhausted`);
  }
}

/**
 * Changes one server of a group under the lock. Throws a refusal if nothing has changed. A change that cannot be written to
 * disk is made nevertheless: that a removed server gets no requests, and that a new one gets its share, matters more than
 * the servers NGINX would start with after a restart, which the watcher corrects.
 */
function change(platform: Platform, name: string, growth: Growth, edit: (tables: Transaction) => Edit): Edit {
  prepare(platform, name);
  let sequence = 0;
  const made = lock.withLock(platform, () => {
    const committed = commit(platform, name, growth, edit);
    sequence = groupState.nextSequence(platform, name);
    return committed;
  });
  const peer = (made.after === undefined ? made.before : made.after) as Peer;
  groupState.logChange(platform, name, sequence, peer.uid, made.after);
  return made;
}

/** Adds a server. */
export function addServer(platform: Platform, name: string, asked: Parameters): Peer {
  config.upstreamConfig(platform.config, name);
  admission.check(platform, asked.server as string);
  const made = change(platform, name, 'adds a server', (tables) => {
    const found = group.directory(tables, name);
    if (found.count >= group.MAX_SERVERS)
      throw errors.refusal(
        'UpstreamOutOfMemory',
        `upstream "${name}" has ${group.MAX_SERVERS} servers, which is the maximum`,
      );
    const peer = group.createPeer(asked, found.next, platform.counters.incr(' uid', 1));
    if (peer.slow_start !== undefined && found.count > 0) peer.slowStartSince = platform.clock();
    group.insert(tables, name, peer);
    return { after: peer };
  });
  return made.after as Peer;
}

/** Applies a PATCH. Disabling a server ends its unavailability; enabling it starts its slow start. */
export function patchServer(platform: Platform, name: string, id: number, changes: Parameters): Peer {
  const made = change(platform, name, 'adds none', (tables) => {
    const place = find(tables, name, id);
    const before = place.peer;
    const after = parameters.patch(id, before, changes) as Peer;
    if (group.isEnabled(before) && !group.isEnabled(after)) downtime.endDowntime(platform, after);
    if (!group.isEnabled(before) && group.isEnabled(after)) downtime.returnToService(platform, after);
    group.replace(tables, name, place, after);
    return { before: before, after: after };
  });
  return made.after as Peer;
}

/** Removes a server. */
export function removeServer(platform: Platform, name: string, id: number): void {
  change(platform, name, 'adds none', (tables) => {
    const place = find(tables, name, id);
    group.remove(tables, name, place);
    return { before: place.peer };
  });
}

/** Resets the statistics of a group's servers, some with each call. Active requests stay counted. */
export function statResets(platform: Platform, name: string): (() => void)[] {
  const resets = serverPages(platform, name).map((readPage) => () => {
    const peers = readPage();
    for (let i = 0; i < peers.length; i++) resetStats(platform, name, peers[i] as Peer);
  });
  resets.push(() => {
    platform.counters.delete(overflow.OVERFLOWS + name);
  });
  return resets;
}

function resetStats(platform: Platform, name: string, peer: Peer): void {
  serverStats.resetStats(platform, peer.uid, true);
  lock.withLock(platform, () =>
    group.update(platform.tables, name, peer.id, (changed) => {
      delete changed.downtime;
      delete changed.unavail;
    }),
  );
}

/** Deletes the statistics and hash points of a removed server. */
export function forgetServer(platform: Platform, uid: number): void {
  serverStats.resetStats(platform, uid, false);
  hashPoints.forgetPoints(platform, uid);
}
