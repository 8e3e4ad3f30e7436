/** Shared memory outlives a reload, so it may contain groups and tables in the format of another version of these modules. */
import * as parameters from '../model/server.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import * as groupState from './group-state.js';
import type { Platform } from './platform.js';
import * as platforms from './platform.js';

/** Chunks of tables in earlier formats, and their numbers. */
const OLD_CHUNK = /[#$][ab]\d*$/;

/** The parts of a directory that all formats have; the first one has the servers themselves in it. */
interface OldDirectory {
  next?: number;
  peers?: Peer[];
  pieces?: number[];
}

/** A server with its identity and its parameters, without what has happened to it. */
function bare(old: Peer): Peer {
  const values = old as unknown as { [name: string]: string | number | boolean | undefined };
  const kept: { [name: string]: string | number | boolean } = {};
  const names = ['id', 'uid'].concat(parameters.NAMES);
  for (let i = 0; i < names.length; i++) {
    const value = values[names[i] as string];
    if (value !== undefined) kept[names[i] as string] = value;
  }
  return kept as unknown as Peer;
}

/** All servers of a group in an earlier format. Pages that have the servers are deleted. */
function takePeers(platform: Platform, name: string, old: OldDirectory): Peer[] {
  let peers = old.peers || [];
  const pages = old.pieces || [];
  for (let i = 0; i < pages.length; i++) {
    const first = pages[i] as number;
    peers = peers.concat(group.readPage(platform.tables, name, first));
    platform.tables.delete(group.pageKey(name, first));
  }
  return peers.map(bare);
}

function convertGroup(platform: Platform, name: string): void {
  const key = group.directoryKey(name);
  const text = platform.tables.get(key);
  if (text === undefined || group.isKnown(platform.tables, name)) return;
  const old = JSON.parse(text) as OldDirectory & { gone?: number[] };
  const peers = takePeers(platform, name, old);
  platform.tables.delete(key);
  group.writeAll(platform.tables, name, peers, old.next || 0);
  if (old.gone !== undefined && old.gone.length > 0) platform.tables.set(` gone/${name}`, old.gone.join(' '));
  if (old.peers !== undefined) groupState.continueAfter(platform, name, 0, false);
}

/** Converts the groups to the present format and deletes the tables. The caller holds the lock. */
export function convertOldFormat(platform: Platform, names: string[]): void {
  const keys = platform.tables.keys(platforms.ALL);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (OLD_CHUNK.test(key)) platform.tables.delete(key);
  }
  for (let i = 0; i < names.length; i++) convertGroup(platform, names[i] as string);
}
