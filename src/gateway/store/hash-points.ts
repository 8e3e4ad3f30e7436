/**
 * A cache of the servers' points on the hash ring, because computing them takes most of the time of a table build. It is in
 * shared memory, under ` ring/<uid>/<block>`, in base64.
 */
import type { PointSource } from '../model/consistent-hash.js';
import * as hash from '../model/consistent-hash.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import type { Platform } from './platform.js';

function keyOf(uid: number, block: number): string {
  return ` ring/${uid}/${block}`;
}

function store(platform: Platform, uid: number, block: number, bytes: Uint8Array): void {
  // The server may have been removed meanwhile.
  if (group.findByUid(platform.tables, `${uid}`) === undefined) return;
  try {
    platform.tables.set(keyOf(uid, block), Buffer.from(bytes).toString('base64'));
  } catch {
    // Shared memory is full: the points are computed again the next time.
  }
}

/** The points of servers, from the cache, or computed and then cached. */
export function pointsOf(platform: Platform, peers: Peer[]): PointSource {
  return (member, block, digests) => {
    const peer = peers[member] as Peer;
    const text = platform.tables.get(keyOf(peer.uid, block));
    const kept = text === undefined ? undefined : Buffer.from(text, 'base64');
    if (kept !== undefined && kept.length >= digests * 32) return kept;
    const fresh = hash.computePoints(peer.server as string, block, digests, platform.digest);
    store(platform, peer.uid, block, fresh);
    return fresh;
  };
}

/** Deletes the points of a removed server. */
export function forgetPoints(platform: Platform, uid: number): void {
  let block = 0;
  while (platform.tables.delete(keyOf(uid, block))) block++;
}
