/** What has to happen without a request asking for it. One worker does it; all of it may be repeated or missed. */

import * as instance from '../api/instance.js';
import * as failure from '../balance/failure.js';
import * as quick from '../balance/quick.js';
import * as failures from './failures.js';
import type { Figures } from './figures.js';
import * as figures from './figures.js';
import type { Group, Peer } from './group.js';
import * as group from './group.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import * as platforms from './platform.js';
import * as upstreams from './upstreams.js';

/** Where the last census lies in shared memory. */
const CENSUS = ' workers';

/** Folds the counters of workers that are gone into a server's own, and lists those that are not. */
function bury(platform: Platform): void {
  const items = platform.counters.items(platforms.ALL);
  const alive: { [pid: string]: boolean } = {};
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    const match = item[0].match(/^(\d+)\/(\d+)$/);
    if (match === null) continue;
    const pid = match[2] as string;
    if (alive[pid] === undefined) alive[pid] = platform.alive(Number(pid));
    if (alive[pid]) continue;
    // Deleting first: should this worker die here, requests are lost from a statistic, and none is counted twice.
    platform.counters.delete(item[0]);
    platform.counters.incr(`${match[1]}/requests`, Math.floor(item[1] / quick.ACTIVE_LIMIT));
  }
  const living = Object.keys(alive).filter((pid) => alive[pid]);
  platform.tables.set(' pids', living.join(' '));
}

/** Notes when a server was last chosen: whenever its count of requests has moved since the last look. */
function notice(platform: Platform, peer: Peer, found: Figures, now: number): void {
  const seen = platform.counters.get(` seen/${peer.uid}`);
  if (found.requests === (seen === undefined ? 0 : seen)) return;
  platform.counters.set(` seen/${peer.uid}`, found.requests);
  platform.counters.set(` selected/${peer.uid}`, now);
}

/** Ends slow starts and times of unavailability; true when that changes who is chosen how often. */
function advance(target: Group, now: number): boolean {
  let moved = false;
  for (let i = 0; i < target.peers.length; i++) {
    const peer = target.peers[i] as Peer;
    if (failures.reprieve(peer, now)) moved = true;
    if (peer.warming !== undefined) {
      moved = true;
      if (group.warmth(peer, now) === group.WARM_STEPS) delete peer.warming;
    }
  }
  return moved;
}

/** Forgets removed servers that have nothing open any more. */
function prune(platform: Platform, target: Group, all: { [uid: string]: Figures }): boolean {
  const open = target.gone.filter((uid) => figures.of(all, uid).active > 0);
  const idle = target.gone.filter((uid) => open.indexOf(uid) < 0);
  for (let i = 0; i < idle.length; i++) {
    figures.forget(platform, idle[i] as number, false);
    platform.counters.delete(` seen/${idle[i]}`);
    platform.counters.delete(` selected/${idle[i]}`);
    platform.counters.delete(`${failure.PREFIX}${idle[i]}`);
  }
  target.gone = open;
  return idle.length > 0;
}

function tend(platform: Platform, name: string, all: { [uid: string]: Figures }): void {
  const target = group.read(platform, name);
  const now = platform.now();
  for (let i = 0; i < target.peers.length; i++) {
    const peer = target.peers[i] as Peer;
    const found = figures.of(all, peer.uid);
    notice(platform, peer, found, now);
    figures.age(platform, peer.uid, found);
  }
  const moved = advance(target, now);
  const pruned = prune(platform, target, all);
  if (moved || pruned) group.write(platform, name, target);
  if (moved) group.balance(platform, name, target);
}

/** The workers of a generation, and those of earlier ones that still ran when it came. */
interface Census {
  generation: number;
  pids: number[];
  retiring: number[];
}

/** Counts workers that vanished without a reload having retired them. `children` are the master's, now. */
export function census(platform: Platform, generation: number, children: number[]): void {
  const text = platform.tables.get(CENSUS);
  const before: Census = text === undefined ? { generation: 0, pids: [], retiring: [] } : JSON.parse(text);
  // A worker on its way out would report the past.
  if (generation < before.generation) return;
  const reloaded = generation > before.generation;
  const retiring = reloaded ? before.pids.concat(before.retiring) : before.retiring;
  const pids = children.filter((pid) => retiring.indexOf(pid) < 0);
  platform.tables.set(
    CENSUS,
    JSON.stringify({
      generation: generation,
      pids: pids,
      retiring: retiring.filter((pid) => children.indexOf(pid) >= 0),
    }),
  );
  const lost = reloaded ? 0 : before.pids.filter((pid) => children.indexOf(pid) < 0).length;
  if (lost > 0) platform.counters.incr(instance.RESPAWNED, lost);
}

/** Called a few times a second. */
export function often(platform: Platform): void {
  upstreams.load(platform);
  failures.settle(platform);
}

/** Which workers there were at the last burial. */
const BURIED = ' buried';

/** Called about once a second. `children` are the master's workers, empty where nobody knows. */
export function seldom(platform: Platform, children: number[]): void {
  const workers = children.join(' ');
  // Looking through all counters is work; without a change among the workers there is nobody to bury.
  if (workers === '' || platform.tables.get(BURIED) !== workers) {
    bury(platform);
    platform.tables.set(BURIED, workers);
  }
  // Workers make themselves known as they begin to count; two at once may lose one.
  if (workers !== '' && platform.tables.get(' pids') !== workers) platform.tables.set(' pids', workers);
  const all = figures.all(platform);
  const names = upstreams.names(platform);
  lock.locked(platform, () => {
    for (let i = 0; i < names.length; i++) tend(platform, names[i] as string, all);
  });
}
