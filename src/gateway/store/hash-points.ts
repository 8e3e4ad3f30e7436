/**
 * The points of servers on the ring, kept in shared memory: to hash them anew takes most of the time of a table. In
 * ` ring/<uid>/<block>`, base64.
 */
import type { PointSource } from '../model/consistent-hash.js';
import * as hash from '../model/consistent-hash.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import type { Platform } from './platform.js';

function keyOf(uid: number, block: number): string {
  return ` ring/${uid}/${block}`;
}

function keep(platform: Platform, uid: number, block: number, bytes: Uint8Array): void {
  // A server that has left meanwhile leaves no points behind.
  if (group.findByUid(platform.tables, `${uid}`) === undefined) return;
  try {
    platform.tables.set(keyOf(uid, block), Buffer.from(bytes).toString('base64'));
  } catch {
    // No room: they are worked out again the next time.
  }
}

/** Points of these servers, kept or worked out and then kept. */
export function pointsOf(platform: Platform, peers: Peer[]): PointSource {
  return (member, block, digests) => {
    const peer = peers[member] as Peer;
    const text = platform.tables.get(keyOf(peer.uid, block));
    const kept = text === undefined ? undefined : Buffer.from(text, 'base64');
    if (kept !== undefined && kept.length >= digests * 32) return kept;
    const fresh = hash.computePoints(peer.server as string, block, digests, platform.digest);
    keep(platform, peer.uid, block, fresh);
    return fresh;
  };
}

/** Forgets the points of a server that is gone. */
export function forgetPoints(platform: Platform, uid: number): void {
  let block = 0;
  while (platform.tables.delete(keyOf(uid, block))) block++;
}
