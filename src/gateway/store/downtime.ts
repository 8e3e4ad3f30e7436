/** How long servers are unavailable, for `downtime` and `downstart` of the API. */
import type { Peer } from './group.js';
import type { Platform } from './platform.js';

/** Starts a server's downtime. As in NGINX Plus, a server that is `down` or draining has none. */
export function startDowntime(platform: Platform, peer: Peer): void {
  if (peer.downSince !== undefined) return;
  peer.downstart = platform.now();
  peer.downSince = platform.clock();
}

/** Ends a server's downtime and adds it to the total. */
export function endDowntime(platform: Platform, peer: Peer): void {
  if (peer.downSince !== undefined) {
    const lasted = platform.clock() - peer.downSince;
    peer.downtime = (peer.downtime === undefined ? 0 : peer.downtime) + lasted;
    delete peer.downSince;
  }
  delete peer.downstart;
}

/** Returns a server to service: its downtime ends, and its slow start begins. */
export function returnToService(platform: Platform, peer: Peer): void {
  endDowntime(platform, peer);
  delete peer.unavailableUntil;
  if (peer.slow_start !== undefined) peer.slowStartSince = platform.clock();
}
