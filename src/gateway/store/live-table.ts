/**
 * Changes of the tables in use, which hold at once and cost the same in a group of any size: the record of a server that is
 * taken out loses its address, one that comes in stands beside the table until build.ts lays the table out anew.
 *
 *      ` chunks/<key><set>`     how many chunks a set has
 *      ` changes/<name>`        (a counter) changes of the group that ask for another table
 *      ` built/<name>`          (a counter) how many of them the table in use has
 *      ` left/<name>`           uids of servers that were taken out since the build under way began
 */
import * as selection from '../balance/selection.js';
import * as table from '../balance/table.js';
import type { Directory, Peer, Writable } from './group.js';
import * as group from './group.js';
import type { Platform, UpstreamConfig } from './platform.js';

/** The tables of a group: `first` for every request, `next` for those that all of the first have failed. */
export function tableKeys(name: string): { first: string; next: string } {
  return { first: name, next: `${name} backup` };
}

/** A new number for a table: it never had another one like it. */
export function nextVersion(platform: Platform): number {
  return platform.counters.incr(' version', 1);
}

/** How many chunks a set of a table has; `name` is that of the table and of the set. While it is written, at least. */
export function chunkCount(tables: group.Readable, name: string): number {
  return Number(tables.get(` chunks/${name}`) || 0);
}

/** Notes how many there are. */
export function setChunkCount(tables: Writable, name: string, count: number): void {
  tables.set(` chunks/${name}`, `${count}`);
}

/** Servers beside a table: the number of the first, how many, and how many the table itself has. */
export interface Recent {
  from: number;
  count: number;
  present: number;
}

export function recent(tables: group.Readable, key: string): Recent {
  const text = tables.get(selection.RECENT + key);
  const numbers = text === undefined ? [0, 0, 0] : text.split(' ').map(Number);
  return { from: numbers[0] as number, count: numbers[1] as number, present: numbers[2] as number };
}

export function setRecent(tables: Writable, key: string, changed: Recent): void {
  tables.set(selection.RECENT + key, `${changed.from} ${changed.count} ${changed.present}`);
}

/** How a group chooses. */
export function modeOf(config: UpstreamConfig): table.Mode {
  if (config.method === 'hash') return 'h';
  return config.method === 'least_conn' ? 'l' : 'r';
}

/** A table record; the columns behind the address are left out while nothing needs them. */
export function recordOf(peer: Peer, weight: number, mode: table.Mode): string {
  const max = peer.max_conns === undefined ? 0 : peer.max_conns;
  if (mode === 'l') return `${peer.uid} ${peer.server} ${max} ${weight}`;
  return max === 0 ? `${peer.uid} ${peer.server}` : `${peer.uid} ${peer.server} ${max}`;
}

/** Takes the address from a server's record in the table with this header; the header that is valid then. */
export function removeAddress(tables: Writable, key: string, header: string, uid: number): string {
  const chunks = chunkCount(tables, key + table.usedSet(header));
  const spot = table.findRecord((at) => tables.get(at), key, header, chunks, uid);
  if (spot === undefined) return header;
  if (spot.chunk === undefined) return table.withoutAddress(header, spot, uid);
  tables.set(spot.chunk, table.withoutAddress(tables.get(spot.chunk) as string, spot, uid));
  return header;
}

/** Does the same among the servers beside the table. */
function strikeRecent(tables: Writable, key: string, uid: number): void {
  const found = recent(tables, key);
  for (let i = 0; i < found.count; i++) {
    const slot = `${selection.RECENT}${key}/${found.from + i}`;
    const text = tables.get(slot);
    if (text !== undefined && Number.parseInt(text, 10) === uid) tables.set(slot, `${uid}`);
  }
}

function withdrawFrom(platform: Platform, tables: Writable, key: string, uid: number): void {
  const header = tables.get(key);
  if (header === undefined) return;
  strikeRecent(tables, key, uid);
  // Whoever has read the record before looks at the header once more.
  tables.set(key, table.withVersion(removeAddress(tables, key, header, uid), nextVersion(platform)));
}

/** From now on no request is sent to this server. */
export function removeServer(platform: Platform, tables: Writable, name: string, uid: number): void {
  const left = tables.get(` left/${name}`);
  tables.set(` left/${name}`, left === undefined || left === '' ? `${uid}` : `${left} ${uid}`);
  const found = tableKeys(name);
  withdrawFrom(platform, tables, found.first, uid);
  withdrawFrom(platform, tables, found.next, uid);
}

/** From now on requests are sent to this server. */
export function addServer(platform: Platform, tables: Writable, name: string, peer: Peer): void {
  const config = (platform.config.upstreams as { [name: string]: UpstreamConfig })[name] as UpstreamConfig;
  const key = peer.backup ? tableKeys(name).next : tableKeys(name).first;
  const header = tables.get(key);
  if (header === undefined) return;
  const weight = peer.weight === undefined ? 1 : peer.weight;
  const found = recent(tables, key);
  tables.set(`${selection.RECENT}${key}/${found.from + found.count}`, recordOf(peer, weight, modeOf(config)));
  found.count += 1;
  setRecent(tables, key, found);
  tables.set(key, table.forSelection(table.withVersion(header, nextVersion(platform))));
}

/** Asks for another table. */
export function requestBuild(platform: Platform, name: string): void {
  platform.counters.incr(` changes/${name}`, 1);
}

/** How many changes a group has had that ask for another table. */
export function changeCount(platform: Platform, name: string): number {
  return platform.counters.get(` changes/${name}`) || 0;
}

/** Groups up to this size are laid out within about a tenth of a second. */
const QUICK_TO_BUILD = 128;

/**
 * Tells when the table in use has all changes so far, for a change that is to be answered only then; `undefined` where that
 * is no matter. By hash, a table that is only amended does not send each key where it will go from then on.
 */
export function whenBuilt(platform: Platform, name: string): (() => boolean) | undefined {
  const config = (platform.config.upstreams as { [name: string]: UpstreamConfig })[name] as UpstreamConfig;
  if (modeOf(config) !== 'h' || group.directory(platform.tables, name).count > QUICK_TO_BUILD)
    return undefined;
  const count = changeCount(platform, name);
  return () => (platform.counters.get(` built/${name}`) || 0) >= count;
}

/** Whether the table in use lacks a change. */
export function needsBuild(platform: Platform, name: string): boolean {
  return changeCount(platform, name) !== (platform.counters.get(` built/${name}`) || 0);
}

/** Notes that the tables in use have the first `count` changes. */
export function markBuilt(platform: Platform, name: string, count: number): void {
  platform.counters.set(` built/${name}`, count);
}

/** Groups up to this size are laid out at once. */
const SMALL = 32;
/** And up to so many rows. */
const SMALL_TURN = 512;

/** Whether laying the group out takes no longer than changing the table in use: then it is done at once. */
export function isBuiltAtOnce(platform: Platform, tables: Writable, name: string, found: Directory): boolean {
  const config = (platform.config.upstreams as { [name: string]: UpstreamConfig })[name] as UpstreamConfig;
  if (found.count > SMALL || modeOf(config) === 'h') return false;
  let turn = 0;
  for (let i = 0; i < found.pages.length; i++) {
    const peers = group.readPage(tables, name, found.pages[i] as number);
    for (let p = 0; p < peers.length; p++) {
      const peer = peers[p] as Peer;
      turn +=
        (peer.weight === undefined ? 1 : peer.weight) *
        (peer.slowStartSince === undefined ? 1 : group.SLOW_START_STEPS);
    }
  }
  return turn <= SMALL_TURN;
}
