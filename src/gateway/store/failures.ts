/**
 * Passive health checks: `max_fails` failures within `fail_timeout` take a server out for `fail_timeout`. The path
 * of a request only counts a failure; what follows from it is worked out here.
 */
import * as failure from '../balance/failure.js';
import * as duration from '../model/duration.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import * as platforms from './platform.js';
import * as upstreams from './upstreams.js';

function timeoutOf(peer: Peer): number {
  return duration.parse(peer.fail_timeout === undefined ? '10s' : peer.fail_timeout);
}

/** The total that was worked out last. */
const SETTLED = ' failures settled';

/** Adds failures to a peer; true when they take it out. */
export function blame(peer: Peer, failures: number, now: number): boolean {
  const limit = peer.max_fails === undefined ? 1 : peer.max_fails;
  const timeout = timeoutOf(peer);
  if (limit === 0 || timeout === 0) return false;
  if (peer.failing === undefined || now - peer.failing > timeout) {
    peer.failing = now;
    peer.fails = 0;
  }
  peer.fails = (peer.fails as number) + failures;
  if (peer.fails < limit || (peer.until !== undefined && peer.until > now)) return false;
  peer.until = now + timeout;
  peer.unavail = (peer.unavail === undefined ? 0 : peer.unavail) + 1;
  if (peer.downstart === undefined) peer.downstart = now;
  return true;
}

/** Lets a peer whose time is over be tried again; one more failure takes it out at once. */
export function reprieve(peer: Peer, now: number): boolean {
  if (peer.until === undefined || peer.until > now) return false;
  const limit = peer.max_fails === undefined ? 1 : peer.max_fails;
  upstreams.recover(peer, now);
  peer.failing = now;
  peer.fails = Math.max(0, limit - 1);
  return true;
}

/** Failures that were counted and not yet worked out, by uid. Taking them leaves later ones for the next time. */
function pending(platform: Platform): { [uid: string]: number } {
  const found: { [uid: string]: number } = {};
  const items = platform.counters.items(platforms.ALL);
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    if (item[0].indexOf(failure.PREFIX) !== 0) continue;
    if (item[1] > 0) {
      platform.counters.incr(item[0], -item[1]);
      found[item[0].substring(failure.PREFIX.length)] = item[1];
    }
  }
  return found;
}

/** Works out what was counted since the last time. */
export function settle(platform: Platform): void {
  const counted = platform.counters.get(failure.TOTAL);
  if (counted === undefined || counted === platform.counters.get(SETTLED)) return;
  lock.locked(platform, () => {
    platform.counters.set(SETTLED, counted);
    const found = pending(platform);
    if (Object.keys(found).length === 0) return;
    const all = upstreams.names(platform);
    for (let i = 0; i < all.length; i++) settleGroup(platform, all[i] as string, found);
  });
}

function settleGroup(platform: Platform, name: string, found: { [uid: string]: number }): void {
  const target = group.read(platform, name);
  const now = platform.now();
  const wanted = group.wanted(target.peers);
  // As in NGINX, the only server that may be chosen is never taken out for its failures.
  const only = wanted.length === 1 ? wanted[0] : undefined;
  let touched = false;
  let out = false;
  for (let i = 0; i < target.peers.length; i++) {
    const peer = target.peers[i] as Peer;
    const failures = found[`${peer.uid}`];
    if (failures === undefined) continue;
    touched = true;
    if (peer !== only && blame(peer, failures, now)) {
      out = true;
      platform.warn(
        `${platform.kind} upstream "${name}": server ${peer.server} is unavailable after ${peer.fails} failures`,
      );
    }
  }
  if (touched) group.write(platform, name, target);
  if (out) group.balance(platform, name, target);
}
