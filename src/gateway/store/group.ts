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
  failing?: number;
  /** Not chosen before this time, because it failed. */
  until?: number;
  /** How often it became unavailable. */
  unavail?: number;
  /** When it last left the state up: for showing, ms since the epoch. */
  downstart?: number;
  /** The same time by the clock. */
  outsince?: number;
  /** Time it spent not up, up to `outsince`. */
  downtime?: number;
  /** When it began to warm up. */
  warming?: number;
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
  wanted: number;
  /** Those of them that have not failed. */
  well: number;
  /** The first ids of its pieces, ascending. */
  pieces: number[];
}

/** Where a server lies. */
export interface Place {
  directory: Directory;
  first: number;
  piece: Peer[];
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
export const WARM_STEPS = 20;
/** Servers in a piece, at most. */
export const PIECE = 16;

export function state(peer: Peer, now: number): State {
  if (peer.drain) return 'draining';
  if (peer.down) return 'down';
  return peer.until !== undefined && peer.until > now ? 'unavail' : 'up';
}

/** Whether nobody has taken the server out. */
export function isWanted(peer: Peer): boolean {
  return !peer.down && !peer.drain;
}

/** Whether it may be chosen, and others need not stand in for it. */
export function isWell(peer: Peer): boolean {
  return isWanted(peer) && peer.until === undefined;
}

/** Share of its weight that a warming server has reached, in `WARM_STEPS`ths; all of it when not warming. */
export function warmth(peer: Peer, now: number): number {
  if (peer.warming === undefined || peer.slow_start === undefined) return WARM_STEPS;
  const elapsed = (now - peer.warming) / Math.max(1, duration.parse(peer.slow_start));
  return Math.min(WARM_STEPS, Math.max(1, Math.floor(elapsed * WARM_STEPS)));
}

function keyOf(name: string): string {
  return ` group/${name}`;
}

function pieceKey(name: string, first: number): string {
  return ` group/${name}/${first}`;
}

/** Whether the group is in memory, in this form. */
export function isKnown(tables: Readable, name: string): boolean {
  const text = tables.get(keyOf(name));
  return text !== undefined && JSON.parse(text).pieces !== undefined;
}

/** The directory; that of a group that was never changed is empty. */
export function directory(tables: Readable, name: string): Directory {
  const text = tables.get(keyOf(name));
  return text === undefined ? { next: 0, count: 0, wanted: 0, well: 0, pieces: [] } : JSON.parse(text);
}

function keep(tables: Writable, name: string, changed: Directory): void {
  tables.set(keyOf(name), JSON.stringify(changed));
}

/** The servers of a piece; none when it is gone. */
export function piece(tables: Readable, name: string, first: number): Peer[] {
  const text = tables.get(pieceKey(name, first));
  return text === undefined ? [] : JSON.parse(text);
}

/** Writes a piece; one without servers is removed. */
function keepPiece(tables: Writable, name: string, first: number, peers: Peer[]): void {
  if (peers.length === 0) tables.delete(pieceKey(name, first));
  else tables.set(pieceKey(name, first), JSON.stringify(peers));
}

/** The first id of the piece that would hold an id: the last that is not behind it. */
function pieceOf(pieces: number[], id: number): number {
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
export function locate(tables: Readable, name: string, id: number): Place | undefined {
  const found = directory(tables, name);
  if (found.pieces.length === 0) return undefined;
  const first = pieceOf(found.pieces, id);
  const peers = piece(tables, name, first);
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i] as Peer;
    if (peer.id === id) return { directory: found, first: first, piece: peers, index: i, peer: peer };
  }
  return undefined;
}

/** The id of a server and the name of its group, by its uid. */
export function whereIs(tables: Readable, uid: string): { id: number; name: string } | undefined {
  const text = tables.get(` at/${uid}`);
  if (text === undefined) return undefined;
  const space = text.indexOf(' ');
  return { id: Number(text.substring(0, space)), name: text.substring(space + 1) };
}

/** Counts a server in (1) or out (-1). */
function tally(changed: Directory, peer: Peer, by: number): void {
  changed.count += by;
  if (isWanted(peer)) changed.wanted += by;
  if (isWell(peer)) changed.well += by;
}

/** Adds a server, with an id and a uid that are higher than all others. */
export function insert(tables: Writable, name: string, peer: Peer): void {
  const changed = directory(tables, name);
  let first = changed.pieces[changed.pieces.length - 1];
  let peers = first === undefined ? [] : piece(tables, name, first);
  if (first === undefined || peers.length >= PIECE) {
    first = peer.id;
    peers = [];
    changed.pieces.push(first);
  }
  peers.push(peer);
  tally(changed, peer, 1);
  changed.next = peer.id + 1;
  keepPiece(tables, name, first, peers);
  tables.set(` at/${peer.uid}`, `${peer.id} ${name}`);
  keep(tables, name, changed);
}

/** Writes a group that has no server yet, with many at once. Their ids and uids ascend. */
export function fill(tables: Writable, name: string, peers: Peer[], next: number): void {
  const changed: Directory = { next: next, count: 0, wanted: 0, well: 0, pieces: [] };
  for (let at = 0; at < peers.length; at += PIECE) {
    const some = peers.slice(at, at + PIECE);
    const first = (some[0] as Peer).id;
    changed.pieces.push(first);
    keepPiece(tables, name, first, some);
    for (let i = 0; i < some.length; i++) {
      const peer = some[i] as Peer;
      tally(changed, peer, 1);
      tables.set(` at/${peer.uid}`, `${peer.id} ${name}`);
    }
  }
  keep(tables, name, changed);
}

/** Puts a server in the place of another that has its id. */
export function replace(tables: Writable, name: string, place: Place, peer: Peer): void {
  tally(place.directory, place.peer, -1);
  tally(place.directory, peer, 1);
  place.piece[place.index] = peer;
  keepPiece(tables, name, place.first, place.piece);
  keep(tables, name, place.directory);
}

/** Takes a server out of its group. What it has open stays counted until {@link forget}. */
export function remove(tables: Writable, name: string, place: Place): void {
  const changed = place.directory;
  tally(changed, place.peer, -1);
  place.piece.splice(place.index, 1);
  if (place.piece.length === 0) changed.pieces.splice(changed.pieces.indexOf(place.first), 1);
  keepPiece(tables, name, place.first, place.piece);
  tables.delete(` at/${place.peer.uid}`);
  const before = tables.get(` gone/${name}`);
  tables.set(` gone/${name}`, before === undefined ? `${place.peer.uid}` : `${before} ${place.peer.uid}`);
  keep(tables, name, changed);
}

/** Uids of removed servers that may still have something open. */
export function gone(tables: Readable, name: string): number[] {
  const text = tables.get(` gone/${name}`);
  return text === undefined ? [] : text.split(' ').map(Number);
}

/** Drops some of the {@link gone}. */
export function forget(tables: Writable, name: string, uids: number[]): void {
  const left = gone(tables, name).filter((uid) => uids.indexOf(uid) < 0);
  if (left.length === 0) tables.delete(` gone/${name}`);
  else tables.set(` gone/${name}`, left.join(' '));
}

/** Reads a group as a whole. */
export function read(platform: Platform, name: string): Group {
  const found = directory(platform.tables, name);
  let peers: Peer[] = [];
  for (let i = 0; i < found.pieces.length; i++)
    peers = peers.concat(piece(platform.tables, name, found.pieces[i] as number));
  return { next: found.next, peers: peers, gone: gone(platform.tables, name) };
}
