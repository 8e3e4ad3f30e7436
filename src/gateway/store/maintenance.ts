/** Maintenance tasks. They run periodically, in one worker. Every step may be repeated, and may be the last one that is done. */
import * as failedTries from '../balance/failed-tries.js';
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import * as config from './config.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import * as groupState from './group-state.js';
import * as keyvalState from './keyval-state.js';
import * as liveTable from './live-table.js';
import * as lock from './lock.js';
import * as reserve from './memory-reserve.js';
import * as passiveHealth from './passive-health.js';
import type { Platform } from './platform.js';
import * as rebalance from './rebalance.js';
import * as restore from './restore.js';
import type { ServerStats } from './server-stats.js';
import * as serverStats from './server-stats.js';
import * as servers from './servers.js';
import * as tableBuild from './table-build.js';
import * as turns from './turns.js';
import * as workers from './workers.js';

/** The counters of when the present round of maintenance began, by `clock`, and of the worker that it runs in. */
const ROUND_BEGAN = ' round';
const ROUND_PID = ' round pid';

/**
 * Begins a round of up to `length` ms. Returns false if this worker is still in one: NGINX starts a round for each server that
 * includes the API, and two rounds at a time would drop each other's builds.
 */
export function beginRound(platform: Platform, length: number): boolean {
  const counters = platform.counters;
  const now = platform.clock();
  const last = counters.get(ROUND_BEGAN);
  if (last !== undefined && now - last < length && counters.get(ROUND_PID) === platform.pid) return false;
  counters.set(ROUND_BEGAN, now);
  counters.set(ROUND_PID, platform.pid);
  return true;
}

/** Called a few times a second. If another worker holds the lock, the work is left for the next call. */
export function quickTasks(platform: Platform): void {
  if (restore.tryLoad(platform)) passiveHealth.applyPendingFailures(platform);
}

/** Records when a server was last selected: whenever its number of requests has changed since the last check. */
function recordSelected(platform: Platform, peer: Peer, requests: number): void {
  const seen = platform.counters.get(` seen/${peer.uid}`);
  if (requests === (seen === undefined ? 0 : seen)) return;
  platform.counters.set(` seen/${peer.uid}`, requests);
  platform.counters.set(` selected/${peer.uid}`, platform.now());
}

/** Whether a server's slow start or unavailability has to be advanced. */
function isInTransition(peer: Peer, now: number): boolean {
  return peer.slowStartSince !== undefined || passiveHealth.isTimeoutOver(peer, now);
}

/** Ends the slow start and the unavailability of a server whose time is over. */
function endTimedStates(platform: Platform, name: string, peer: Peer): void {
  const now = platform.clock();
  const run = () => {
    group.update(platform.tables, name, peer.id, (changed) => {
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

type StatsOf = (uid: number) => ServerStats;

/** Forgets a removed server, unless it has active requests. */
function forgetIfIdle(platform: Platform, name: string, uid: number, statsOf: StatsOf): void {
  if (statsOf(uid).active > 0) return;
  const forgotten = lock.tryWithLock(platform, () => group.forgetRemoved(platform.tables, name, [uid]));
  if (!forgotten) return;
  servers.forgetServer(platform, uid);
  platform.counters.delete(` seen/${uid}`);
  platform.counters.delete(` selected/${uid}`);
  platform.counters.delete(`${failedTries.PENDING}${uid}`);
}

/** Servers per step. */
const SERVERS = 32;

/** Checks all servers of a group. */
function checkGroup(platform: Platform, name: string, requestsOf: (uid: number) => number): Step {
  const pages = servers.serverPages(platform, name);
  const removed = group.removedUids(platform.tables, name);
  const statsOf = removed.length === 0 ? undefined : serverStats.statsReader(platform);
  let hasTransitions = false;

  function check(peer: Peer, now: number): void {
    recordSelected(platform, peer, requestsOf(peer.uid));
    serverStats.decayAverages(platform, peer.uid);
    // A worker may have crashed after it counted a failure and before it queued the server.
    if ((platform.counters.get(failedTries.PENDING + peer.uid) || 0) > 0)
      failedTries.queueFailure(platform.counters, `${peer.uid}`);
    if (!isInTransition(peer, now)) return;
    hasTransitions = true;
    endTimedStates(platform, name, peer);
  }

  function checkPage(readPage: () => Peer[]): void {
    // Reading the clock is reading a file.
    const now = platform.clock();
    const peers = readPage();
    for (let i = 0; i < peers.length; i++) check(peers[i] as Peer, now);
  }

  return steps.sequence([
    () => steps.each(pages.length, SERVERS / group.PAGE_SIZE, (i) => checkPage(pages[i] as () => Peer[])),
    steps.once(() => {
      if (hasTransitions) lock.tryWithLock(platform, () => rebalance.rebalance(platform, name));
    }),
    () =>
      steps.each(removed.length, SERVERS, (i) =>
        forgetIfIdle(platform, name, removed[i] as number, statsOf as StatsOf),
      ),
  ]);
}

/** Called about once a second: checks all servers, step by step. */
export function checkServers(platform: Platform): Step {
  workers.updateWorkers(platform);
  const requestsOf = serverStats.requestCounter(platform);
  return steps.sequence(
    config.upstreamNames(platform.config).map((name) => () => checkGroup(platform, name, requestsOf)),
  );
}

/** Does part of a build. Returns `failed` if the build cannot go on: another one has begun, or shared memory is full. */
function tryBuild<T>(platform: Platform, name: string, part: () => T, failed: T): T {
  try {
    return part();
  } catch (thrown) {
    if (thrown !== tableBuild.SUPERSEDED && !reserve.freeReserve(platform))
      platform.warn(`${platform.kind} upstream "${name}": its table cannot be built: ${String(thrown)}`);
    return failed;
  }
}

/** Followed by a group's name: how long its last build took, by `clock`. */
const TOOK = ' took/';
/** A build is begun whenever there is so much time left, in ms. */
const ENOUGH_TIME = 1000;

/** Followed by a group's name: when its next build may begin, by `clock`. */
const DUE = ' build due/';
/**
 * A table that nobody waits for is not built again before this multiple of the time that building it has taken: changes that
 * follow each other closely share a build, and the interpreter does not free a build's memory before the end of the round.
 */
const PAUSE_FACTOR = 4;

/** Measures how long a build takes. */
function timed(platform: Platform, name: string, build: Step): Step {
  const began = platform.clock();
  return () => {
    const done = build();
    if (!done) return false;
    const took = platform.clock() - began;
    platform.counters.set(TOOK + name, took);
    platform.counters.set(DUE + name, platform.clock() + PAUSE_FACTOR * took);
    return true;
  };
}

/** Whether a group needs a build, and may have it now. */
function isBuildDue(platform: Platform, name: string): boolean {
  if (!liveTable.needsBuild(platform, name)) return false;
  return platform.clock() >= (platform.counters.get(DUE + name) || 0) || liveTable.isAwaited(platform, name);
}

/** Starts the next table build that is needed and can be done in the time left (ms); `undefined` if there is none. */
export function nextBuild(platform: Platform, left: number): Step | undefined {
  return turns.firstInTurn(platform, ' build turn', config.upstreamNames(platform.config), (name) => {
    const needed = Math.min(ENOUGH_TIME, 2 * (platform.counters.get(TOOK + name) || 0));
    if (needed > left || !isBuildDue(platform, name)) return undefined;
    const build = tryBuild(platform, name, () => tableBuild.beginBuild(platform, name), undefined);
    if (build === undefined) return undefined;
    return timed(platform, name, () => tryBuild(platform, name, build, true));
  });
}

/**
 * Starts the next task that changes have left behind: building a table or writing a state file. `left` is the time for it, in
 * ms. `undefined` if there is none. Groups and keyval zones take turns.
 */
export function nextTask(platform: Platform, left: number): Step | undefined {
  const ofGroups = () => nextBuild(platform, left) || groupState.nextWrite(platform);
  if (platform.counters.incr(' next turn', 1) % 2 === 0) return ofGroups() || keyvalState.nextWrite(platform);
  return keyvalState.nextWrite(platform) || ofGroups();
}
