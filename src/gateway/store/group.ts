/**
 * An upstream group in shared memory: its servers and their state. Servers are stored in pages of sixteen, so that a change
 * of one server costs the same in a group of any size:
 *
 *      ` group/<name>`          the directory, JSON
 *      ` group/<name>/<id>`     a page, JSON; the id is that of the first server the page had
 *      ` at/<uid>`              where a server is: its id, a space, the name of its group
 *      ` gone/<name>`           uids of removed servers that may still have active requests
 */
import * as duration from '../model/duration.js';
import type { Parameters } from '../model/server.js';

/** A server and its state. Times are those of the platform's `clock` in ms, unless the comment says otherwise. */
export interface Peer extends Parameters {
  id: number;
  /** Unique over all groups and all times, and ascending. The server's counters have it in their names. */
  uid: number;
  /** Failures since `failingSince`. */
  fails?: number;
  /** Start of the `fail_timeout` in which failures are counted. */
  failingSince?: number;
  /** The server is not selected before this time, because it has failed. */
  unavailableUntil?: number;
  /** How often it became unavailable. */
  unavail?: number;
  /** When the server became unavailable, in ms since the epoch. Only shown. */
  downstart?: number;
  /** The same time by `clock`. */
  downSince?: number;
  /** Total time of unavailability before `downSince`, in ms. */
  downtime?: number;
  /** Start of the slow start. */
  slowStartSince?: number;
}

/** The summary of a group, and the list of its pages. */
export interface Directory {
  /** The id of the next server. */
  next: number;
  count: number;
  /** Number of servers that are neither `down` nor draining. */
  enabled: number;
  /** Number of those that are not unavailable because of failures. */
  available: number;
  /** The ids by which pages are stored, ascending. */
  pages: number[];
}

/** Where a server is stored. */
export interface Place {
  directory: Directory;
  first: number;
  page: Peer[];
  index: number;
  peer: Peer;
}

/** Shared memory, for reading. */
export interface Readable {
  get(key: string): string | undefined;
}

/** Shared memory, for changes. The caller holds the lock. */
export interface Writable extends Readable {
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

/** The state of a peer in the API. */
type State = 'up' | 'draining' | 'down' | 'unavail';

/** A slow start increases a server's weight in so many steps. */
export const SLOW_START_STEPS = 20;
/** Maximum number of servers in a page. */
export const PAGE_SIZE = 16;
/** Maximum number of servers in a group: a table numbers them with two digits of base 90. */
export const MAX_SERVERS = 8100;
/** The mark of the format in which groups are stored, for upgrade.ts. */
export const FORMAT = '2';

/** A new server. */
export function createPeer(parameters: Parameters, id: number, uid: number): Peer {
  return Object.assign({ id: id, uid: uid }, parameters);
}

export function state(peer: Peer, now: number): State {
  if (peer.drain) return 'draining';
  if (peer.down) return 'down';
  return peer.unavailableUntil !== undefined && peer.unavailableUntil > now ? 'unavail' : 'up';
}

/** Whether the server is neither `down` nor draining. */
export function isEnabled(peer: Peer): boolean {
  return !peer.down && !peer.drain;
}

/** Whether the server is enabled and not unavailable because of failures. */
export function isAvailable(peer: Peer): boolean {
  return isEnabled(peer) && peer.unavailableUntil === undefined;
}

/** The share of its weight that a server in slow start has reached, in units of 1 / `SLOW_START_STEPS`. */
export function slowStartShare(peer: Peer, now: number): number {
  if (peer.slowStartSince === undefined || peer.slow_start === undefined) return SLOW_START_STEPS;
  const elapsed = (now - peer.slowStartSince) / Math.max(1, duration.parse(peer.slow_start));
  return Math.min(SLOW_START_STEPS, Math.max(1, Math.floor(elapsed * SLOW_START_STEPS)));
}

/** The key of a group's directory. */
export function directoryKey(name: string): string {
  return ` group/${name}`;
}

/** The key of a page. */
export function pageKey(name: string, first: number): string {
  return ` group/${name}/${first}`;
}

/** Whether the group is in memory, in the present format. */
export function isKnown(tables: Readable, name: string): boolean {
  const text = tables.get(directoryKey(name));
  return text !== undefined && (JSON.parse(text) as Partial<Directory>).pages !== undefined;
}

/** The directory. It is empty if the group is not in memory. */
export function directory(tables: Readable, name: string): Directory {
  const text = tables.get(directoryKey(name));
  return text === undefined ? { next: 0, count: 0, enabled: 0, available: 0, pages: [] } : JSON.parse(text);
}

function writeDirectory(tables: Writable, name: string, changed: Directory): void {
  tables.set(directoryKey(name), JSON.stringify(changed));
}

/** The servers of a page; none if the page does not exist. */
export function readPage(tables: Readable, name: string, first: number): Peer[] {
  const text = tables.get(pageKey(name, first));
  return text === undefined ? [] : JSON.parse(text);
}

/** Writes a page, or deletes it if it has no servers. */
function writePage(tables: Writable, name: string, first: number, peers: Peer[]): void {
  if (peers.length === 0) tables.delete(pageKey(name, first));
  else tables.set(pageKey(name, first), JSON.stringify(peers));
}

/** The page that would contain an id: the last one that does not begin behind it. */
function pageOf(pieces: number[], id: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((pieces[middle] as number) <= id) low = middle;
    else high = middle - 1;
  }
  return pieces[low] as number;
}

/** Finds a server by its id. */
export function findById(tables: Readable, name: string, id: number): Place | undefined {
  const found = directory(tables, name);
  if (found.pages.length === 0) return undefined;
  const first = pageOf(found.pages, id);
  const peers = readPage(tables, name, first);
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i] as Peer;
    if (peer.id === id) return { directory: found, first: first, page: peers, index: i, peer: peer };
  }
  return undefined;
}

/** The id of a server and the name of its group, by its uid. */
export function findByUid(tables: Readable, uid: string): { id: number; name: string } | undefined {
  const text = tables.get(` at/${uid}`);
  if (text === undefined) return undefined;
  const space = text.indexOf(' ');
  return { id: Number(text.substring(0, space)), name: text.substring(space + 1) };
}

/** Adds a server to the counts (1) or subtracts it (-1). */
function adjustCounts(changed: Directory, peer: Peer, by: number): void {
  changed.count += by;
  if (isEnabled(peer)) changed.enabled += by;
  if (isAvailable(peer)) changed.available += by;
}

/** Adds a server. Its id and uid must be higher than those of all others. */
export function insert(tables: Writable, name: string, peer: Peer): void {
  const changed = directory(tables, name);
  let first = changed.pages[changed.pages.length - 1];
  let peers = first === undefined ? [] : readPage(tables, name, first);
  if (first === undefined || peers.length >= PAGE_SIZE) {
    first = peer.id;
    peers = [];
    changed.pages.push(first);
  }
  peers.push(peer);
  adjustCounts(changed, peer, 1);
  changed.next = peer.id + 1;
  writePage(tables, name, first, peers);
  tables.set(` at/${peer.uid}`, `${peer.id} ${name}`);
  writeDirectory(tables, name, changed);
}

/** Writes all servers of a group that has none. Their ids and uids must be ascending. */
export function writeAll(tables: Writable, name: string, peers: Peer[], next: number): void {
  const changed: Directory = { next: next, count: 0, enabled: 0, available: 0, pages: [] };
  for (let at = 0; at < peers.length; at += PAGE_SIZE) {
    const some = peers.slice(at, at + PAGE_SIZE);
    const first = (some[0] as Peer).id;
    changed.pages.push(first);
    writePage(tables, name, first, some);
    for (let i = 0; i < some.length; i++) {
      const peer = some[i] as Peer;
      adjustCounts(changed, peer, 1);
      tables.set(` at/${peer.uid}`, `${peer.id} ${name}`);
    }
  }
  writeDirectory(tables, name, changed);
}

/** Replaces a server by one with the same id. */
export function replace(tables: Writable, name: string, place: Place, peer: Peer): void {
  adjustCounts(place.directory, place.peer, -1);
  adjustCounts(place.directory, peer, 1);
  place.page[place.index] = peer;
  writePage(tables, name, place.first, place.page);
  writeDirectory(tables, name, place.directory);
}

/** Removes a server. Its active requests stay counted until {@link forgetRemoved}. */
export function remove(tables: Writable, name: string, place: Place): void {
  const changed = place.directory;
  adjustCounts(changed, place.peer, -1);
  place.page.splice(place.index, 1);
  if (place.page.length === 0) changed.pages.splice(changed.pages.indexOf(place.first), 1);
  writePage(tables, name, place.first, place.page);
  tables.delete(` at/${place.peer.uid}`);
  const before = tables.get(` gone/${name}`);
  tables.set(` gone/${name}`, before === undefined ? `${place.peer.uid}` : `${before} ${place.peer.uid}`);
  writeDirectory(tables, name, changed);
}

/** Uids of removed servers that may still have active requests. */
export function removedUids(tables: Readable, name: string): number[] {
  const text = tables.get(` gone/${name}`);
  return text === undefined ? [] : text.split(' ').map(Number);
}

/** Removes uids from {@link removedUids}. */
export function forgetRemoved(tables: Writable, name: string, uids: number[]): void {
  const left = removedUids(tables, name).filter((uid) => uids.indexOf(uid) < 0);
  if (left.length === 0) tables.delete(` gone/${name}`);
  else tables.set(` gone/${name}`, left.join(' '));
}

/** Edits the state of a server, if it still exists; not its parameters. */
export function update(
  tables: Writable,
  name: string,
  id: number,
  edit: (peer: Peer, directory: Directory) => void,
): void {
  const place = findById(tables, name, id);
  if (place === undefined) return;
  const peer = Object.assign({}, place.peer);
  edit(peer, place.directory);
  replace(tables, name, place, peer);
}
