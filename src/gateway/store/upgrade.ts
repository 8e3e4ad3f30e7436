/** Shared memory outlives a reload, and with it what another version of these modules has written into it. */
import * as fastPath from '../balance/fast-path.js';
import type { Group, Peer } from './group.js';
import * as group from './group.js';
import * as groupState from './group-state.js';
import type { Platform } from './platform.js';
import * as platforms from './platform.js';

/** Chunks of tables, and how many there were, under the marks of earlier formats. */
const CHUNK = /[#$][ab]\d*$/;

/** Brings a group that lies in one piece, as earlier versions had it, into the present form. */
function convert(platform: Platform, name: string): void {
  const text = platform.tables.get(` group/${name}`);
  if (text === undefined) return;
  const old = JSON.parse(text) as Partial<Group>;
  if (old.peers === undefined) return;
  platform.tables.delete(` group/${name}`);
  group.writeAll(
    platform.tables,
    name,
    old.peers.map((peer) => timeless(peer)),
    old.next || 0,
  );
  const gone = old.gone || [];
  if (gone.length > 0) platform.tables.set(` gone/${name}`, gone.join(' '));
  groupState.continueAfter(platform, name, 0, false);
}

/** A server without its times, which were those of a clock that can be set. */
function timeless(old: Peer): Peer {
  const peer = Object.assign({}, old);
  delete peer.unavailableUntil;
  delete peer.failingSince;
  delete peer.fails;
  delete peer.slowStartSince;
  delete peer.downstart;
  return peer;
}

/** Takes over what another version has left. The caller has the lock. */
export function convertOldFormat(platform: Platform, names: string[], loaded: string | undefined): void {
  if (loaded === undefined || loaded.charAt(0) === fastPath.FORMAT) return;
  const keys = platform.tables.keys(platforms.ALL);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (CHUNK.test(key)) platform.tables.delete(key);
  }
  for (let i = 0; i < names.length; i++) convert(platform, names[i] as string);
}
