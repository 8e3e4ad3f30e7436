/**
 * An upstream group in shared memory: its servers and their momentary condition. They lie in pieces of sixteen, so that a
 * change of one server costs the same in a group of any size:
 *
 *      ` group/<name>`          the directory, JSON
 *      ` group/<name>/<id>`     a piece, JSON; the id is that of its first server when it was begun
 *      ` at/<uid>`              where a server is: its id, a space, the name of its group
 *      ` gone/<name>`           uids of servers that were removed and may still have something open
 */
import * as duration from '../model/duration.js';
import type { Parameters } from '../model/server.js';
import type { Platform } from './platform.js';

/** A server and what has happened to it. Unless it says otherwise, a time is that of the platform's `clock`, in ms. */
export interface Peer extends Parameters {
  id: number;
  /** Never used twice, over all groups, and higher than that of any server before it: the name of its counters. */
  uid: number;
  /** Failures since `failing`. */
  fails?: number;
  /** When the present run of failures began. */
  failingSince?: number;
  /** Not chosen before this time, because it failed. */
  unavailableUntil?: number;
  /** How often it became unavailable. */
  unavail?: number;
  /** When it last left the state up: for showing, ms since the epoch. */
  downstart?: number;
  /** The same time by the clock. */
  downSince?: number;
  /** Time it spent not up, up to `outsince`. */
  downtime?: number;
  /** When it began to warm up. */
  slowStartSince?: number;
}

/** A group as a whole, for reading. `gone` are uids of removed servers that may still have open requests. */
export interface Group {
  next: number;
  peers: Peer[];
  gone: number[];
}

/** What is to be known of a group without a look at its servers. */
export interface Directory {
  /** The id that the next server gets. */
  next: number;
  count: number;
  /** Servers that nobody has taken out: neither down nor draining. */
  enabled: number;
  /** Those of them that have not failed. */
  available: number;
  /** The first ids of its pieces, ascending. */
  pages: number[];
}

/** Where a server lies. */
export interface Place {
  directory: Directory;
  first: number;
  page: Peer[];
  index: number;
  peer: Peer;
}

/** What reading needs of shared memory. */
export interface Readable {
  get(key: string): string | undefined;
}

/** What changing needs of it. The caller holds the lock. */
export interface Writable extends Readable {
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

/** What the API calls the state of a peer. */
export type State = 'up' | 'draining' | 'down' | 'unavail';

/** Steps of a slow start: a server's weight grows by this fraction. */
export const SLOW_START_STEPS = 20;
/** Servers in a piece, at most. */
export const PAGE_SIZE = 16;

export function state(peer: Peer, now: number): State {
  if (peer.drain) return 'draining';
  if (peer.down) return 'down';
  return peer.unavailableUntil !== undefined && peer.unavailableUntil > now ? 'unavail' : 'up';
}

/** Whether nobody has taken the server out. */
export function isEnabled(peer: Peer): boolean {
  return !peer.down && !peer.drain;
}

/** Whether it may be chosen, and others need not stand in for it. */
export function isAvailable(peer: Peer): boolean {
  return isEnabled(peer) && peer.unavailableUntil === undefined;
}

/** Share of its weight that a warming server has reached, in `WARM_STEPS`ths; all of it when not warming. */
export function slowStartShare(peer: Peer, now: number): number {
  if (peer.slowStartSince === undefined || peer.slow_start === undefined) return SLOW_START_STEPS;
  const elapsed = (now - peer.slowStartSince) / Math.max(1, duration.parse(peer.slow_start));
  return Math.min(SLOW_START_STEPS, Math.max(1, Math.floor(elapsed * SLOW_START_STEPS)));
}

function directoryKey(name: string): string {
  return ` group/${name}`;
}

function pageKey(name: string, first: number): string {
  return ` group/${name}/${first}`;
}

/** Whether the group is in memory, in this form. */
export function isKnown(tables: Readable, name: string): boolean {
  const text = tables.get(directoryKey(name));
  return text !== undefined && JSON.parse(text).pieces !== undefined;
}

/** The directory; that of a group that was never changed is empty. */
export function directory(tables: Readable, name: string): Directory {
  const text = tables.get(directoryKey(name));
  return text === undefined ? { next: 0, count: 0, enabled: 0, available: 0, pages: [] } : JSON.parse(text);
}

function writeDirectory(tables: Writable, name: string, changed: Directory): void {
  tables.set(directoryKey(name), JSON.stringify(changed));
}

/** The servers of a piece; none when it is gone. */
export function readPage(tables: Readable, name: string, first: number): Peer[] {
  const text = tables.get(pageKey(name, first));
  return text === undefined ? [] : JSON.parse(text);
}

/** Writes a piece; one without servers is removed. */
function writePage(tables: Writable, name: string, first: number, peers: Peer[]): void {
  if (peers.length === 0) tables.delete(pageKey(name, first));
  else tables.set(pageKey(name, first), JSON.stringify(peers));
}

/** The first id of the piece that would hold an id: the last that is not behind it. */
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

/** Counts a server in (1) or out (-1). */
function adjustCounts(changed: Directory, peer: Peer, by: number): void {
  changed.count += by;
  if (isEnabled(peer)) changed.enabled += by;
  if (isAvailable(peer)) changed.available += by;
}

/** Adds a server, with an id and a uid that are higher than all others. */
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

/** Writes a group that has no server yet, with many at once. Their ids and uids ascend. */
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

/** Puts a server in the place of another that has its id. */
export function replace(tables: Writable, name: string, place: Place, peer: Peer): void {
  adjustCounts(place.directory, place.peer, -1);
  adjustCounts(place.directory, peer, 1);
  place.page[place.index] = peer;
  writePage(tables, name, place.first, place.page);
  writeDirectory(tables, name, place.directory);
}

/** Takes a server out of its group. What it has open stays counted until {@link forgetRemoved}. */
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

/** Uids of removed servers that may still have something open. */
export function removedUids(tables: Readable, name: string): number[] {
  const text = tables.get(` gone/${name}`);
  return text === undefined ? [] : text.split(' ').map(Number);
}

/** Drops some of the {@link removedUids}. */
export function forgetRemoved(tables: Writable, name: string, uids: number[]): void {
  const left = removedUids(tables, name).filter((uid) => uids.indexOf(uid) < 0);
  if (left.length === 0) tables.delete(` gone/${name}`);
  else tables.set(` gone/${name}`, left.join(' '));
}

/** Reads a group as a whole. */
export function read(platform: Platform, name: string): Group {
  const found = directory(platform.tables, name);
  let peers: Peer[] = [];
  for (let i = 0; i < found.pages.length; i++)
    peers = peers.concat(readPage(platform.tables, name, found.pages[i] as number));
  return { next: found.next, peers: peers, gone: removedUids(platform.tables, name) };
}
