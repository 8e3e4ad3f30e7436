/** An upstream group in shared memory: its servers, their momentary condition, and when they may be chosen. */

import type { Layout, Mode } from '../balance/table.js';
import * as table from '../balance/table.js';
import * as duration from '../model/duration.js';
import * as ring from '../model/ring.js';
import * as schedule from '../model/schedule.js';
import type { Parameters } from '../model/server.js';
import type { Platform, UpstreamConfig } from './platform.js';

/** A server and what has happened to it. Times are milliseconds since the epoch. */
export interface Peer extends Parameters {
  id: number;
  /** Never used twice while shared memory lives, over all groups: the name of its counters. */
  uid: number;
  /** Failures since `failing`. */
  fails?: number;
  /** When the present run of failures began. */
  failing?: number;
  /** Not chosen before this time, because it failed. */
  until?: number;
  /** How often it became unavailable. */
  unavail?: number;
  /** When it last left the state up. */
  downstart?: number;
  /** Time it spent not up, up to `downstart`. */
  downtime?: number;
  /** When it began to warm up. */
  warming?: number;
}

/** A group. `gone` are uids of removed servers that may still have open requests. */
export interface Group {
  next: number;
  peers: Peer[];
  gone: number[];
}

/** What the API calls the state of a peer. */
export type State = 'up' | 'draining' | 'down' | 'unavail';

/** Steps of a slow start: a server's weight grows by this fraction. */
export const WARM_STEPS = 20;

export function state(peer: Peer, now: number): State {
  if (peer.drain) return 'draining';
  if (peer.down) return 'down';
  return peer.until !== undefined && peer.until > now ? 'unavail' : 'up';
}

/** Reads a group; one that was never changed is empty. */
export function read(platform: Platform, name: string): Group {
  const text = platform.tables.get(` group/${name}`);
  return text === undefined ? { next: 0, peers: [], gone: [] } : JSON.parse(text);
}

/** Share of its weight that a warming server has reached, in `WARM_STEPS`ths; all of it when not warming. */
export function warmth(peer: Peer, now: number): number {
  if (peer.warming === undefined || peer.slow_start === undefined) return WARM_STEPS;
  const elapsed = (now - peer.warming) / Math.max(1, duration.parse(peer.slow_start));
  return Math.min(WARM_STEPS, Math.max(1, Math.floor(elapsed * WARM_STEPS)));
}

/** Weights for the table: whole numbers in which a server that warms up counts for less. */
function weights(peers: Peer[], now: number, mode: Mode): number[] {
  // As in NGINX, hashing knows no slow start: it would move keys twice.
  if (mode === 'h') return peers.map((peer) => (peer.weight === undefined ? 1 : peer.weight));
  const warm = peers.map((peer) => warmth(peer, now));
  const cold = warm.some((share) => share < WARM_STEPS);
  return peers.map(
    (peer, i) => (peer.weight === undefined ? 1 : peer.weight) * (cold ? (warm[i] as number) : 1),
  );
}

/** A table record; the columns behind the address are left out while nothing needs them. */
function record(peer: Peer, weight: number, mode: Mode): string {
  const max = peer.max_conns === undefined ? 0 : peer.max_conns;
  if (mode === 'l') return `${peer.uid} ${peer.server} ${max} ${weight}`;
  return max === 0 ? `${peer.uid} ${peer.server}` : `${peer.uid} ${peer.server} ${max}`;
}

function modeOf(config: UpstreamConfig): Mode {
  if (config.method === 'hash') return 'h';
  return config.method === 'least_conn' ? 'l' : 'r';
}

function layout(platform: Platform, config: UpstreamConfig, peers: Peer[]): Layout {
  const now = platform.now();
  const mode = modeOf(config);
  const shares = weights(peers, now, mode);
  const result: Layout = {
    mode: mode,
    version: platform.counters.incr(' version', 1),
    records: peers.map((peer, i) => record(peer, shares[i] as number, mode)),
    rows: [],
  };
  if (mode === 'h') {
    const members = peers.map((peer, i) => ({ server: peer.server as string, weight: shares[i] as number }));
    result.rows = ring.table(members, platform.digest);
    result.key = hashKey(platform, config);
  } else result.rows = schedule.turn(shares);
  return result;
}

/** Name of the variable that a group hashes by. */
function hashKey(platform: Platform, config: UpstreamConfig): string {
  if (config.key !== undefined) return config.key.replace('$', '');
  return platform.kind === 'http' ? 'request_uri' : 'mqtt_client_id';
}

/** Whom requests may be sent to: `first` those that come in turn, `next` those that all of the first have failed. */
interface Choosable {
  first: Peer[];
  next: Peer[];
}

/** Servers that neither an operator nor a drain has taken out. */
export function wanted(peers: Peer[]): Peer[] {
  return peers.filter((peer) => !peer.down && !peer.drain);
}

/** Servers by their part in the group. Where all of them have failed, they are tried: that is better than nothing. */
function choosable(group: Group, now: number): Choosable {
  const present = wanted(group.peers);
  const well = present.filter((peer) => peer.until === undefined || peer.until <= now);
  const usable = well.length > 0 ? well : present;
  const primary = usable.filter((peer) => !peer.backup);
  const backup = usable.filter((peer) => peer.backup === true);
  return primary.length > 0 ? { first: primary, next: backup } : { first: backup, next: [] };
}

/** Writes one table under `key`: chunks, then the header that makes them count, then away with what is left of earlier ones. */
function writeTable(platform: Platform, key: string, config: UpstreamConfig, peers: Peer[]): void {
  const tables = platform.tables;
  const set = table.spare(tables.get(key));
  const packed = table.pack(layout(platform, config, peers), set);
  const chunks = packed.chunks;
  const counted = ` chunks/${key}${set}`;
  const had = Number(tables.get(counted) || 0);
  if (chunks.length > had) tables.set(counted, `${chunks.length}`);
  for (let i = 0; i < chunks.length; i++) tables.set(`${key}${set}${i}`, chunks[i] as string);
  tables.set(key, packed.header);
  for (let i = chunks.length; i < had; i++) tables.delete(`${key}${set}${i}`);
  if (chunks.length < had) tables.set(counted, `${chunks.length}`);
}

/** Lays out the tables anew: `name` for every request, `name backup` for those that all of the first have failed. */
export function balance(platform: Platform, name: string, group: Group): void {
  const config = (platform.config.upstreams as { [name: string]: UpstreamConfig })[name] as UpstreamConfig;
  const servers = choosable(group, platform.now());
  writeTable(platform, `${name} backup`, config, servers.next);
  writeTable(platform, name, config, servers.first);
}

/** Writes a group back without a change of who may be chosen. */
export function write(platform: Platform, name: string, group: Group): void {
  platform.tables.set(` group/${name}`, JSON.stringify(group));
}
