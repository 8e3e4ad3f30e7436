/**
 * Passive health checks: `max_fails` failures within `fail_timeout` take a server out for `fail_timeout`. The path
 * of a request only counts a failure; what follows from it is worked out here.
 */
import * as failedTries from '../balance/failed-tries.js';
import * as duration from '../model/duration.js';
import type { Directory, Peer } from './group.js';
import * as group from './group.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import * as upstreams from './upstreams.js';

function timeoutOf(peer: Peer): number {
  return duration.parse(peer.fail_timeout === undefined ? '10s' : peer.fail_timeout);
}

/** Up to which number in the queue of failing servers they have been worked out. */
const SETTLED = ' failures settled';
/** How many of them are worked out at a time. */
const AT_ONCE = 8;

/** Adds failures to a peer; true when they take it out. `now` is by the clock. */
export function recordFailures(platform: Platform, peer: Peer, failures: number): boolean {
  const now = platform.clock();
  const limit = peer.max_fails === undefined ? 1 : peer.max_fails;
  const timeout = timeoutOf(peer);
  if (limit === 0 || timeout === 0) return false;
  if (peer.failingSince === undefined || now - peer.failingSince > timeout) {
    peer.failingSince = now;
    peer.fails = 0;
  }
  peer.fails = (peer.fails as number) + failures;
  if (peer.fails < limit || (peer.unavailableUntil !== undefined && peer.unavailableUntil > now))
    return false;
  peer.unavailableUntil = now + timeout;
  peer.unavail = (peer.unavail === undefined ? 0 : peer.unavail) + 1;
  upstreams.startDowntime(platform, peer);
  return true;
}

/** Whether a peer's time is over, so that it is to be tried again. `now` is by the clock. */
export function isTimeoutOver(peer: Peer, now: number): boolean {
  return peer.unavailableUntil !== undefined && peer.unavailableUntil <= now;
}

/** Lets a peer whose time is over be tried again; one more failure takes it out at once. */
export function retryAfterTimeout(platform: Platform, peer: Peer): void {
  const limit = peer.max_fails === undefined ? 1 : peer.max_fails;
  upstreams.endUnavailability(platform, peer);
  peer.failingSince = platform.clock();
  peer.fails = Math.max(0, limit - 1);
}

/** Works out what was counted since the last time, unless another worker has the lock: then it is left for the next. */
export function applyPendingFailures(platform: Platform): void {
  while (isBehind(platform)) if (!lock.tryWithLock(platform, () => settleSome(platform))) return;
}

function isBehind(platform: Platform): boolean {
  return (platform.counters.get(failedTries.QUEUE) || 0) > (platform.counters.get(SETTLED) || 0);
}

function settleSome(platform: Platform): void {
  for (let i = 0; i < AT_ONCE && isBehind(platform); i++)
    settleOne(platform, platform.counters.incr(SETTLED, 1));
}

/** Works out one place of the queue. */
function settleOne(platform: Platform, place: number): void {
  const slot = failedTries.QUEUE + place;
  const uid = platform.counters.get(slot);
  // A worker that died between taking a number and writing the uid: the failures stay counted for the next time.
  if (uid === undefined) return;
  platform.counters.delete(slot);
  const failures = platform.counters.get(failedTries.PENDING + uid) || 0;
  // Taking away what was read leaves later ones.
  const left = platform.counters.incr(failedTries.PENDING + uid, -failures);
  if (left > 0) failedTries.queueFailure(platform.counters, `${uid}`);
  const found = group.findByUid(platform.tables, `${uid}`);
  if (found === undefined) platform.counters.delete(failedTries.PENDING + uid);
  else if (failures > 0) settleServer(platform, found.name, found.id, failures);
}

function settleServer(platform: Platform, name: string, id: number, failures: number): void {
  if (upstreams.names(platform).indexOf(name) < 0) return;
  let out: Peer | undefined;
  let others = 0;
  upstreams.updatePeer(platform, name, id, (peer: Peer, directory: Directory) => {
    // As in NGINX, the only server that may be chosen is never taken out for its failures.
    if (group.isEnabled(peer) && directory.enabled === 1) return;
    others = directory.available - (group.isAvailable(peer) ? 1 : 0);
    if (recordFailures(platform, peer, failures)) out = peer;
  });
  if (out === undefined) return;
  platform.warn(
    `${platform.kind} upstream "${name}": server ${out.server} is unavailable after ${out.fails} failures`,
  );
  // Where all have failed, they are tried: that is for the next table, and until then for this one.
  upstreams.rebalance(platform, name, others > 0 ? out : undefined);
}
