/**
 * Changes of the tables in use. They take effect at once and cost the same in a group of any size: the record of a removed
 * server loses its address, and an added server is stored beside the table until table-build.ts has rebuilt the table.
 *
 *      ` chunks/<key><set>`     number of chunks of a set
 *      ` changes/<name>`        (a counter) changes of the group that need a new table
 *      ` built/<name>`          (a counter) how many of these the table in use includes
 *      ` left/<name>`           uids of servers that were removed since the present build began
 */

import * as table from '../balance/table.js';
import * as tableFormat from '../balance/table-format.js';
import type { UpstreamConfig } from './config.js';
import * as configs from './config.js';
import type { Directory, Peer, Writable } from './group.js';
import * as group from './group.js';
import type { Platform } from './platform.js';

/** The keys of a group's tables: `first` is for all requests, `next` for those that found no server in the first. */
export function tableKeys(name: string): { first: string; next: string } {
  return { first: name, next: `${name} backup` };
}

/** A new version of a table, which no table has had before. */
export function nextVersion(platform: Platform): number {
  return platform.counters.incr(' version', 1);
}

/** The number of chunks of a set; while it is written, an upper bound. `name` is the table's key and the set. */
export function chunkCount(tables: group.Readable, name: string): number {
  return Number(tables.get(` chunks/${name}`) || 0);
}

export function setChunkCount(tables: Writable, name: string, count: number): void {
  tables.set(` chunks/${name}`, `${count}`);
}

/** The servers beside a table: the number of the first, how many there are, and how many servers the table has. */
interface Recent {
  from: number;
  count: number;
  present: number;
}

export function recent(tables: group.Readable, key: string): Recent {
  const text = tables.get(tableFormat.RECENT + key);
  const numbers = text === undefined ? [0, 0, 0] : text.split(' ').map(Number);
  return { from: numbers[0] as number, count: numbers[1] as number, present: numbers[2] as number };
}

export function setRecent(tables: Writable, key: string, changed: Recent): void {
  tables.set(tableFormat.RECENT + key, `${changed.from} ${changed.count} ${changed.present}`);
}

/** How a group selects servers. */
export function modeOf(config: UpstreamConfig): table.Mode {
  if (config.method === 'hash') return 'h';
  return config.method === 'least_conn' ? 'l' : 'r';
}

/** The record of a server. `max_conns` and weight are left out if nothing needs them. */
export function recordOf(peer: Peer, weight: number, mode: table.Mode): string {
  const max = peer.max_conns === undefined ? 0 : peer.max_conns;
  if (mode === 'l') return `${peer.uid} ${peer.server} ${max} ${weight}`;
  return max === 0 ? `${peer.uid} ${peer.server}` : `${peer.uid} ${peer.server} ${max}`;
}

/** Removes the address from a server's record. Returns the header that has to be used from then on. */
export function removeAddress(tables: Writable, key: string, header: string, uid: number): string {
  const chunks = chunkCount(tables, key + table.usedSet(header));
  const spot = table.findRecord((at) => tables.get(at), key, header, chunks, uid);
  if (spot === undefined) return header;
  if (spot.chunk === undefined) return table.withoutAddress(header, spot, uid);
  tables.set(spot.chunk, table.withoutAddress(tables.get(spot.chunk) as string, spot, uid));
  return header;
}

/** Removes the address from a server's record beside the table. */
function removeRecentAddress(tables: Writable, key: string, uid: number): void {
  const found = recent(tables, key);
  for (let i = 0; i < found.count; i++) {
    const slot = `${tableFormat.RECENT}${key}/${found.from + i}`;
    const text = tables.get(slot);
    if (text !== undefined && Number.parseInt(text, 10) === uid) tables.set(slot, `${uid}`);
  }
}

function removeFrom(platform: Platform, tables: Writable, key: string, uid: number): void {
  const header = tables.get(key);
  if (header === undefined) return;
  removeRecentAddress(tables, key, uid);
  // With a new version, a request that has read the record before selects again.
  tables.set(key, table.withVersion(removeAddress(tables, key, header, uid), nextVersion(platform)));
}

/** From now on the server gets no requests. */
export function removeServer(platform: Platform, tables: Writable, name: string, uid: number): void {
  const left = tables.get(` left/${name}`);
  tables.set(` left/${name}`, left === undefined || left === '' ? `${uid}` : `${left} ${uid}`);
  const found = tableKeys(name);
  removeFrom(platform, tables, found.first, uid);
  removeFrom(platform, tables, found.next, uid);
}

/** From now on the server gets requests. */
export function addServer(platform: Platform, tables: Writable, name: string, peer: Peer): void {
  const config = configs.upstreamConfig(platform.config, name);
  const key = peer.backup ? tableKeys(name).next : tableKeys(name).first;
  const header = tables.get(key);
  if (header === undefined) return;
  const weight = peer.weight === undefined ? 1 : peer.weight;
  const found = recent(tables, key);
  tables.set(
    `${tableFormat.RECENT}${key}/${found.from + found.count}`,
    recordOf(peer, weight, modeOf(config)),
  );
  found.count += 1;
  setRecent(tables, key, found);
  tables.set(key, table.forSelection(table.withVersion(header, nextVersion(platform))));
}

/** Requests a new table. */
export function requestBuild(platform: Platform, name: string): void {
  platform.counters.incr(` changes/${name}`, 1);
}

/** The number of changes of a group that needed a new table. */
export function changeCount(platform: Platform, name: string): number {
  return platform.counters.get(` changes/${name}`) || 0;
}

/** The tables of groups up to this size are rebuilt within about a tenth of a second. */
const QUICK_TO_BUILD = 128;

/** Whether the API waits for a new table of a group before it responds to a change: see {@link whenBuilt}. */
export function isAwaited(platform: Platform, name: string): boolean {
  const config = configs.upstreamConfig(platform.config, name);
  return modeOf(config) === 'h' && group.directory(platform.tables, name).count <= QUICK_TO_BUILD;
}

/**
 * Tells when the table in use includes all present changes. The API waits for it before it responds to a change of a group
 * with consistent hashing, because only a rebuilt table sends each key to its final server; `undefined` for other groups.
 */
export function whenBuilt(platform: Platform, name: string): (() => boolean) | undefined {
  if (!isAwaited(platform, name)) return undefined;
  const count = changeCount(platform, name);
  return () => (platform.counters.get(` built/${name}`) || 0) >= count;
}

/** Whether the table in use lacks a change. */
export function needsBuild(platform: Platform, name: string): boolean {
  return changeCount(platform, name) !== (platform.counters.get(` built/${name}`) || 0);
}

/** Records that the tables in use include the first `count` changes. */
export function markBuilt(platform: Platform, name: string, count: number): void {
  platform.counters.set(` built/${name}`, count);
}

/** The tables of groups up to this size are rebuilt with each change. */
const SMALL = 32;
/** The same for the number of rows. */
const SMALL_ROWS = 512;

/** Whether rebuilding the table takes no longer than amending it, so that it is rebuilt with each change. */
export function isBuiltAtOnce(platform: Platform, tables: Writable, name: string, found: Directory): boolean {
  const config = configs.upstreamConfig(platform.config, name);
  if (found.count > SMALL || modeOf(config) === 'h') return false;
  let rows = 0;
  for (let i = 0; i < found.pages.length; i++) {
    const peers = group.readPage(tables, name, found.pages[i] as number);
    for (let p = 0; p < peers.length; p++) {
      const peer = peers[p] as Peer;
      rows +=
        (peer.weight === undefined ? 1 : peer.weight) *
        (peer.slowStartSince === undefined ? 1 : group.SLOW_START_STEPS);
    }
  }
  return rows <= SMALL_ROWS;
}
