/** What has to happen without a request asking for it. One worker does it; all of it may be repeated, or ended at any step. */

import * as root from '../api/root.js';
import * as failedTries from '../balance/failed-tries.js';
import * as fastPath from '../balance/fast-path.js';
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import * as groupState from './group-state.js';
import * as keyvalState from './keyval-state.js';
import * as liveTable from './live-table.js';
import * as lock from './lock.js';
import * as passiveHealth from './passive-health.js';
import type { Platform } from './platform.js';
import * as platforms from './platform.js';
import type { ServerStats } from './server-stats.js';
import * as serverStats from './server-stats.js';
import * as tableBuild from './table-build.js';
import * as upstreams from './upstreams.js';

/** Where the last census lies in shared memory. */
const CENSUS = ' workers';

/** Folds the counters of workers that are gone into a server's own, and lists those that are not. */
function foldDeadWorkers(platform: Platform): void {
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
    platform.counters.incr(`${match[1]}/requests`, Math.floor(item[1] / fastPath.ACTIVE_LIMIT));
  }
  const living = Object.keys(alive).filter((pid) => alive[pid]);
  platform.tables.set(' pids', living.join(' '));
}

/** Notes when a server was last chosen: whenever its count of requests has moved since the last look. */
function recordSelected(platform: Platform, peer: Peer, requests: number): void {
  const seen = platform.counters.get(` seen/${peer.uid}`);
  if (requests === (seen === undefined ? 0 : seen)) return;
  platform.counters.set(` seen/${peer.uid}`, requests);
  platform.counters.set(` selected/${peer.uid}`, platform.now());
}

/** Whether a slow start or a time of unavailability of a server goes on. */
function moves(peer: Peer, now: number): boolean {
  return peer.slowStartSince !== undefined || passiveHealth.isTimeoutOver(peer, now);
}

/** Ends slow starts and times of unavailability. */
function endTimedStates(platform: Platform, name: string, peer: Peer): void {
  const now = platform.clock();
  const run = () => {
    upstreams.updatePeer(platform, name, peer.id, (changed) => {
      if (passiveHealth.isTimeoutOver(changed, now)) passiveHealth.retryAfterTimeout(platform, changed);
      if (
        changed.slowStartSince !== undefined &&
        group.slowStartShare(changed, now) === group.SLOW_START_STEPS
      )
        delete changed.slowStartSince;
    });
  };
  lock.tryWithLock(platform, run);
}

type FiguresOf = (uid: number) => ServerStats;

/** Forgets a removed server, unless it has something open. */
function forgetIfIdle(platform: Platform, name: string, uid: number, figuresOf: FiguresOf): void {
  if (figuresOf(uid).active > 0) return;
  const forgotten = lock.tryWithLock(platform, () => group.forgetRemoved(platform.tables, name, [uid]));
  if (!forgotten) return;
  upstreams.forget(platform, uid);
  platform.counters.delete(` seen/${uid}`);
  platform.counters.delete(` selected/${uid}`);
  platform.counters.delete(`${failedTries.PENDING}${uid}`);
}

/** Servers that a step looks at. */
const SERVERS = 32;

/** Looks at all servers of a group. */
function checkGroup(platform: Platform, name: string, requestsOf: (uid: number) => number): Step {
  const pieces = upstreams.serverPages(platform, name);
  const gone = group.removedUids(platform.tables, name);
  const figuresOf = gone.length === 0 ? undefined : serverStats.statsReader(platform);
  let moved = false;

  function look(peer: Peer): void {
    recordSelected(platform, peer, requestsOf(peer.uid));
    serverStats.decayAverages(platform, peer.uid);
    // One that was counted and not queued, by a worker that died in between.
    if ((platform.counters.get(failedTries.PENDING + peer.uid) || 0) > 0)
      failedTries.queueFailure(platform.counters, `${peer.uid}`);
    if (!moves(peer, platform.clock())) return;
    moved = true;
    endTimedStates(platform, name, peer);
  }

  return steps.sequence([
    () =>
      steps.each(pieces.length, SERVERS / group.PAGE_SIZE, (i) =>
        (pieces[i] as () => Peer[])().forEach(look),
      ),
    steps.once(() => {
      if (moved) lock.tryWithLock(platform, () => upstreams.rebalance(platform, name));
    }),
    () =>
      steps.each(gone.length, SERVERS, (i) =>
        forgetIfIdle(platform, name, gone[i] as number, figuresOf as FiguresOf),
      ),
  ]);
}

/** The workers of a generation, and those of earlier ones that still ran when it came. */
interface Census {
  generation: number;
  pids: number[];
  retiring: number[];
}

/** Counts workers that vanished without a reload having retired them. `children` are the master's, now. */
export function countRespawns(platform: Platform, generation: number, children: number[]): void {
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
  if (lost > 0) platform.counters.incr(root.RESPAWNED, lost);
}

/** Whether the groups are in memory. */
export function isLoaded(platform: Platform): boolean {
  return upstreams.isLoaded(platform);
}

/** Called a few times a second. What needs the lock is left for the next time when another worker has it. */
export function quickTasks(platform: Platform): void {
  if (upstreams.tryLoad(platform)) passiveHealth.applyPendingFailures(platform);
}

/** Which workers there were at the last burial. */
const LAST_WORKERS = ' buried';

/** Called about once a second: looks at all servers, step by step. */
export function checkServers(platform: Platform): Step {
  const workers = platform.workers().join(' ');
  // Looking through all counters is work; without a change among the workers there is nobody to bury.
  if (workers === '' || platform.tables.get(LAST_WORKERS) !== workers) {
    foldDeadWorkers(platform);
    platform.tables.set(LAST_WORKERS, workers);
  }
  // Workers make themselves known as they begin to count; two at once may lose one.
  if (workers !== '' && platform.tables.get(' pids') !== workers) platform.tables.set(' pids', workers);
  const requestsOf = serverStats.requestCounter(platform);
  return steps.sequence(
    upstreams.names(platform).map((name) => () => checkGroup(platform, name, requestsOf)),
  );
}

/** Does part of a build; `failed` where it cannot go on: another build has begun, or there is no room. */
function reportFailure<T>(platform: Platform, name: string, part: () => T, failed: T): T {
  try {
    return part();
  } catch (thrown) {
    if (thrown !== tableBuild.SUPERSEDED && !upstreams.makeRoom(platform))
      platform.warn(`${platform.kind} upstream "${name}": its table cannot be laid out: ${String(thrown)}`);
    return failed;
  }
}

/** Which group the last build was of, counted on. */
const TURN = ' build turn';

/** How long the last build of a group took, by the clock. */
const TOOK = ' took/';
/** A build that has so much time is begun in any case, ms. */
const ENOUGH = 1000;

/** Notes how long a build takes. */
function timed(platform: Platform, name: string, work: Step): Step {
  const began = platform.clock();
  return () => {
    const done = work();
    if (done) platform.counters.set(TOOK + name, platform.clock() - began);
    return done;
  };
}

/**
 * Finds the next group whose tables lack a change, and begins to lay them out, if that can be done in the time that is
 * left (ms); `undefined` when there is none.
 */
export function nextBuild(platform: Platform, left: number): Step | undefined {
  const names = upstreams.names(platform);
  for (let i = 0; i < names.length; i++) {
    // In turn: a group that changes all the time does not keep others waiting.
    const name = names[platform.counters.incr(TURN, 1) % names.length] as string;
    const needed = Math.min(ENOUGH, 2 * (platform.counters.get(TOOK + name) || 0));
    if (!liveTable.needsBuild(platform, name) || needed > left) continue;
    const work = reportFailure(platform, name, () => tableBuild.beginBuild(platform, name), undefined);
    if (work !== undefined) return timed(platform, name, () => reportFailure(platform, name, work, true));
  }
  return undefined;
}

/** When the state file of a group was last written, by the clock. */
const SAVED_AT = ' saved at/';
/** Time between two state files of a group, at least: so much, in ms, and so much for each server. */
const SAVE_PAUSE = 1000;
const SAVE_PAUSE_EACH = 1;

/** Finds the next group whose state file lacks a change, and begins to write it; `undefined` when there is none. */
export function nextStateWrite(platform: Platform): Step | undefined {
  const names = upstreams.names(platform);
  const now = platform.clock();
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (!groupState.isBehind(platform, name)) continue;
    const last = platform.counters.get(SAVED_AT + name);
    const pause = SAVE_PAUSE + SAVE_PAUSE_EACH * group.directory(platform.tables, name).count;
    if (last !== undefined && now - last < pause) continue;
    platform.counters.set(SAVED_AT + name, now);
    return groupState.writeState(platform, name);
  }
  return undefined;
}

/** Whose turn it is, counted on. */
const NEXT = ' next turn';

/**
 * The next piece of what changes have left to do, to be begun with so much time left (ms); `undefined` when there is none.
 * Groups and key-value zones take turns, so that neither waits for ever while the other changes all the time.
 */
export function nextTask(platform: Platform, left: number): Step | undefined {
  const ofGroups = () => nextBuild(platform, left) || nextStateWrite(platform);
  if (platform.counters.incr(NEXT, 1) % 2 === 0) return ofGroups() || keyvalState.nextWrite(platform);
  return keyvalState.nextWrite(platform) || ofGroups();
}
