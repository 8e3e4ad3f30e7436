/**
 * Passive health checks: a server with `max_fails` failures within `fail_timeout` becomes unavailable for `fail_timeout`.
 * Requests only count failures (balance/failed-tries.ts); these are processed here.
 */
import * as failedTries from '../balance/failed-tries.js';
import * as duration from '../model/duration.js';
import * as config from './config.js';
import * as downtime from './downtime.js';
import type { Directory, Peer } from './group.js';
import * as group from './group.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import * as rebalance from './rebalance.js';

/** The counter of processed places of the queue of failing servers. */
const PROCESSED = ' failures settled';
/** Places that are processed under the lock at a time. */
const BATCH = 8;

function maxFails(peer: Peer): number {
  return peer.max_fails === undefined ? 1 : peer.max_fails;
}

/** Adds failures to a server's count. Returns true if the server becomes unavailable. */
export function recordFailures(platform: Platform, peer: Peer, failures: number): boolean {
  const now = platform.clock();
  const timeout = duration.parse(peer.fail_timeout === undefined ? '10s' : peer.fail_timeout);
  if (maxFails(peer) === 0 || timeout === 0) return false;
  if (peer.failingSince === undefined || now - peer.failingSince > timeout) {
    peer.failingSince = now;
    peer.fails = 0;
  }
  peer.fails = (peer.fails as number) + failures;
  if (peer.fails < maxFails(peer)) return false;
  if (peer.unavailableUntil !== undefined && peer.unavailableUntil > now) return false;
  peer.unavailableUntil = now + timeout;
  peer.unavail = (peer.unavail === undefined ? 0 : peer.unavail) + 1;
  downtime.startDowntime(platform, peer);
  return true;
}

/** Whether a server's time of unavailability is over. `now` is by the platform's `clock`. */
export function isTimeoutOver(peer: Peer, now: number): boolean {
  return peer.unavailableUntil !== undefined && peer.unavailableUntil <= now;
}

/** Makes a server available again. One more failure makes it unavailable at once. */
export function retryAfterTimeout(platform: Platform, peer: Peer): void {
  downtime.returnToService(platform, peer);
  peer.failingSince = platform.clock();
  peer.fails = Math.max(0, maxFails(peer) - 1);
}

/** Processes all pending failures. If another worker holds the lock, they are left for the next call. */
export function applyPendingFailures(platform: Platform): void {
  while (isPending(platform)) if (!lock.tryWithLock(platform, () => processBatch(platform))) return;
}

function isPending(platform: Platform): boolean {
  return (platform.counters.get(failedTries.QUEUE) || 0) > (platform.counters.get(PROCESSED) || 0);
}

function processBatch(platform: Platform): void {
  for (let i = 0; i < BATCH && isPending(platform); i++)
    processPlace(platform, platform.counters.incr(PROCESSED, 1));
}

/** Processes one place of the queue. */
function processPlace(platform: Platform, place: number): void {
  const counters = platform.counters;
  const slot = failedTries.QUEUE + place;
  const uid = counters.get(slot);
  // A worker crashed between taking a place and writing the uid. The maintenance tasks queue the server again.
  if (uid === undefined) return;
  counters.delete(slot);
  const failures = counters.get(failedTries.PENDING + uid) || 0;
  // Subtracting keeps the failures that are counted meanwhile.
  const left = counters.incr(failedTries.PENDING + uid, -failures);
  if (left > 0) failedTries.queueFailure(counters, `${uid}`);
  const found = group.findByUid(platform.tables, `${uid}`);
  if (found === undefined) counters.delete(failedTries.PENDING + uid);
  else if (failures > 0) applyFailures(platform, found.name, found.id, failures);
}

function applyFailures(platform: Platform, name: string, id: number, failures: number): void {
  if (config.upstreamNames(platform.config).indexOf(name) < 0) return;
  let out: Peer | undefined;
  let others = 0;
  group.update(platform.tables, name, id, (peer: Peer, directory: Directory) => {
    // As in NGINX, the only server of a group is never unavailable.
    if (group.isEnabled(peer) && directory.enabled === 1) return;
    others = directory.available - (group.isAvailable(peer) ? 1 : 0);
    if (recordFailures(platform, peer, failures)) out = peer;
  });
  if (out === undefined) return;
  platform.warn(
    `${platform.kind} upstream "${name}": server ${out.server} is unavailable after ${out.fails} failures`,
  );
  // If all servers have failed, all are tried: the table in use stays until the next one, which has all of them.
  rebalance.rebalance(platform, name, others > 0 ? out : undefined);
}
