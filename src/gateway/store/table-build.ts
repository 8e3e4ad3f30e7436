/**
 * Rebuilds a group's tables step by step, beside those in use. A step takes less than a millisecond in njs. Changes that are
 * made meanwhile are applied to the tables in use (live-table.ts), and to the new ones before they replace these. Of several
 * concurrent builds of a group, for example if a worker was stopped and continues, only the latest may write:
 *
 *      ` build/<name>`          the number of the latest build
 */

import type { Layout, Shape, Traits } from '../balance/table.js';
import * as table from '../balance/table.js';
import * as tableFormat from '../balance/table-format.js';
import * as hash from '../model/consistent-hash.js';
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import * as order from '../model/weighted-order.js';
import type { UpstreamConfig } from './config.js';
import * as configs from './config.js';
import type { Directory, Peer, Writable } from './group.js';
import * as group from './group.js';
import * as hashPoints from './hash-points.js';
import * as liveTable from './live-table.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';

/** Servers and rows, and chunks, per step. */
const RECORDS = 64;
const CHUNKS = 8;
/** Removed servers per step: those that were removed during the build. */
const REMOVALS = 16;

/** Runs part of a build under the lock, unless another worker holds it. Throws if a later build has begun. */
type UnderLock = (body: () => void) => void;

/** The enabled servers of a group by their state. */
interface Sorted {
  available: Peer[];
  availableBackup: Peer[];
  failed: Peer[];
  failedBackup: Peer[];
  /** Whether one of them is in slow start. */
  slowStart: boolean;
}

function sort(sorted: Sorted, peer: Peer, now: number): void {
  if (!group.isEnabled(peer)) return;
  if (group.slowStartShare(peer, now) < group.SLOW_START_STEPS) sorted.slowStart = true;
  if (peer.unavailableUntil === undefined || peer.unavailableUntil <= now)
    (peer.backup ? sorted.availableBackup : sorted.available).push(peer);
  else (peer.backup ? sorted.failedBackup : sorted.failed).push(peer);
}

/** The servers of the first and of the second table. If all servers have failed, all are tried. */
function selectable(sorted: Sorted): { first: Peer[]; next: Peer[] } {
  const some = sorted.available.length + sorted.availableBackup.length > 0;
  const first = some ? sorted.available : sorted.failed;
  const next = some ? sorted.availableBackup : sorted.failedBackup;
  return first.length > 0 ? { first: first, next: next } : { first: next, next: [] };
}

/** The name of the variable by which a group hashes. */
function hashKey(platform: Platform, config: UpstreamConfig): string {
  if (config.key !== undefined) return config.key.replace('$', '');
  return platform.kind === 'http' ? 'request_uri' : 'mqtt_client_id';
}

/** A table that is being built. */
interface Draft {
  key: string;
  peers: Peer[];
  weights: number[];
  layout: Layout;
  traits: Traits;
  /** The header, once the chunks are written. */
  header: string;
  /** The new table includes the servers beside the present table that have lower numbers. */
  recentTo: number;
}

/** What a build reads and writes. */
interface Build {
  platform: Platform;
  tables: Writable;
  name: string;
  config: UpstreamConfig;
  now: number;
  underLock: UnderLock;
}

/** The weight of a server, as an integer that is lower during its slow start. */
function weightOf(build: Build, peer: Peer, slowStart: boolean, mode: table.Mode): number {
  const weight = peer.weight === undefined ? 1 : peer.weight;
  // As in NGINX, there is no slow start with hashing: keys would move twice.
  return slowStart && mode !== 'h' ? weight * group.slowStartShare(peer, build.now) : weight;
}

function addRecord(build: Build, draft: Draft, peer: Peer, slowStart: boolean): void {
  const weight = weightOf(build, peer, slowStart, draft.layout.mode);
  const text = liveTable.recordOf(peer, weight, draft.layout.mode);
  draft.weights.push(weight);
  draft.layout.records.push(text);
  draft.traits.width = Math.max(draft.traits.width, text.length);
  if (!table.isPlain(text)) draft.traits.plain = false;
}

function buildRows(build: Build, draft: Draft): Step {
  if (draft.layout.mode !== 'h') return order.buildOrder(draft.weights, draft.layout.rows);
  const members = draft.peers.map((peer, i) => ({
    server: peer.server as string,
    weight: draft.weights[i] as number,
  }));
  return hash.buildBuckets(members, hashPoints.pointsOf(build.platform, draft.peers), draft.layout.rows);
}

function checkOrder(draft: Draft): Step {
  const rows = draft.layout.rows;
  draft.traits.inOrder = rows.length === draft.layout.records.length;
  return steps.each(draft.traits.inOrder ? rows.length : 0, 8 * RECORDS, (i) => {
    if (rows[i] !== i) draft.traits.inOrder = false;
  });
}

/** Writes the chunks, and deletes those that the set had beyond them. Nobody reads the set yet. */
function writeChunks(build: Build, draft: Draft): Step {
  const tables = build.tables;
  let at = 0;
  let shape: Shape | undefined;
  let name = '';

  function open(): Shape {
    const set = table.spareSet(tables.get(draft.key));
    name = draft.key + set;
    const shape = table.shapeOf(draft.layout, draft.traits, set);
    draft.header = table.header(draft.layout, shape, liveTable.nextVersion(build.platform));
    const count = table.chunkCount(shape);
    if (count > liveTable.chunkCount(tables, name)) liveTable.setChunkCount(tables, name, count);
    return shape;
  }

  function close(count: number): void {
    const had = liveTable.chunkCount(tables, name);
    for (let i = count; i < had; i++) tables.delete(name + i);
    if (count < had) liveTable.setChunkCount(tables, name, count);
  }

  return () => {
    let done = false;
    build.underLock(() => {
      if (shape === undefined) shape = open();
      const count = table.chunkCount(shape);
      const end = Math.min(count, at + CHUNKS);
      for (; at < end; at++) tables.set(name + at, table.chunk(draft.layout, shape, at));
      done = at >= count;
      if (done) close(count);
    });
    return done;
  };
}

function buildTable(build: Build, draft: Draft, slowStart: boolean): Step {
  return steps.sequence([
    () =>
      steps.each(draft.peers.length, RECORDS, (i) =>
        addRecord(build, draft, draft.peers[i] as Peer, slowStart),
      ),
    () => buildRows(build, draft),
    () => checkOrder(draft),
    () => writeChunks(build, draft),
  ]);
}

/** Replaces the table in use. Servers that the new table lacks stay beside it. */
function replace(build: Build, draft: Draft): void {
  const tables = build.tables;
  const beside = liveTable.recent(tables, draft.key);
  const count = beside.from + beside.count - draft.recentTo;
  // Written before the header, so that whoever reads the header finds them.
  liveTable.setRecent(tables, draft.key, {
    from: draft.recentTo,
    count: count,
    present: draft.layout.records.length,
  });
  const header = table.withVersion(draft.header, liveTable.nextVersion(build.platform));
  tables.set(draft.key, count === 0 ? header : table.forSelection(header));
}

/** The servers that were removed since the build began. */
function removedSince(build: Build): number[] {
  const text = build.tables.get(` left/${build.name}`);
  return text === undefined || text === '' ? [] : text.split(' ').map(Number);
}

/** Removes a server from the drafts. */
function removeFromDrafts(build: Build, drafts: Draft[], uid: number): void {
  for (let i = 0; i < drafts.length; i++) {
    const draft = drafts[i] as Draft;
    draft.header = liveTable.removeAddress(build.tables, draft.key, draft.header, uid);
  }
}

/** Removes the servers that were removed meanwhile from the drafts, and then puts the drafts into use. */
function publish(build: Build, drafts: Draft[], changes: number): Step {
  let removed = 0;
  let done = false;

  function advance(): void {
    const left = removedSince(build);
    const end = Math.min(left.length, removed + REMOVALS);
    for (; removed < end; removed++) removeFromDrafts(build, drafts, left[removed] as number);
    if (removed < left.length) return;
    for (let i = 0; i < drafts.length; i++) replace(build, drafts[i] as Draft);
    liveTable.markBuilt(build.platform, build.name, changes);
    done = true;
  }

  return () => {
    build.underLock(advance);
    return done;
  };
}

/** Deletes servers beside a table that the table includes. The progress survives a crash. */
function deleteRecent(build: Build, key: string): Step {
  const counter = ` swept/${key}`;
  const from = build.platform.counters.get(counter) || 0;
  const to = liveTable.recent(build.tables, key).from;
  return steps.each(to - from, RECORDS, (i) => {
    build.tables.delete(`${tableFormat.RECENT}${key}/${from + i}`);
    build.platform.counters.set(counter, from + i + 1);
  });
}

function draftOf(build: Build, key: string, recentTo: number): Draft {
  const mode = liveTable.modeOf(build.config);
  const layout: Layout = { mode: mode, records: [], rows: [] };
  if (mode === 'h') layout.key = hashKey(build.platform, build.config);
  return {
    key: key,
    peers: [],
    weights: [],
    layout: layout,
    traits: { width: 0, plain: true, inOrder: true },
    header: '',
    recentTo: recentTo,
  };
}

/** All steps of a build. The caller holds the lock during this call. */
function allSteps(build: Build): Step {
  const found: Directory = group.directory(build.tables, build.name);
  const changes = liveTable.changeCount(build.platform, build.name);
  const names = liveTable.tableKeys(build.name);
  const drafts = [names.first, names.next].map((key) => {
    const beside = liveTable.recent(build.tables, key);
    return draftOf(build, key, beside.from + beside.count);
  });
  const first = drafts[0] as Draft;
  const next = drafts[1] as Draft;
  const sorted: Sorted = {
    available: [],
    availableBackup: [],
    failed: [],
    failedBackup: [],
    slowStart: false,
  };
  build.tables.set(` left/${build.name}`, '');

  return steps.sequence([
    () =>
      steps.each(found.pages.length, RECORDS / group.PAGE_SIZE, (i) => {
        const peers = group.readPage(build.tables, build.name, found.pages[i] as number);
        for (let p = 0; p < peers.length; p++) sort(sorted, peers[p] as Peer, build.now);
      }),
    steps.once(() => {
      const servers = selectable(sorted);
      first.peers = servers.first;
      next.peers = servers.next;
    }),
    () => buildTable(build, first, sorted.slowStart),
    () => buildTable(build, next, sorted.slowStart),
    () => publish(build, drafts, changes),
    () => deleteRecent(build, first.key),
    () => deleteRecent(build, next.key),
  ]);
}

function createBuild(platform: Platform, tables: Writable, name: string, underLock: UnderLock): Build {
  return {
    platform: platform,
    tables: tables,
    name: name,
    config: configs.upstreamConfig(platform.config, name),
    now: platform.clock(),
    underLock: underLock,
  };
}

/** Registers a new build and returns its number. Earlier builds write nothing from now on. */
function supersede(platform: Platform, tables: Writable, name: string): string {
  const number = `${platform.counters.incr(' builds', 1)}`;
  tables.set(` build/${name}`, number);
  return number;
}

/** Rebuilds the tables of a group at once. The caller holds the lock. */
export function buildNow(platform: Platform, tables: Writable, name: string): void {
  supersede(platform, tables, name);
  steps.run(allSteps(createBuild(platform, tables, name, (body) => body())));
}

/** Thrown by a step of {@link beginBuild} if a later build of the group has begun: this one has to be dropped. */
export const SUPERSEDED = 'superseded';

/** Starts to rebuild the tables of a group; `undefined` if another worker holds the lock. */
export function beginBuild(platform: Platform, name: string): Step | undefined {
  let work: Step | undefined;
  let number = '';
  const underLock: UnderLock = (body) => {
    lock.tryWithLock(platform, () => {
      if (platform.tables.get(` build/${name}`) !== number) throw SUPERSEDED;
      body();
    });
  };
  lock.tryWithLock(platform, () => {
    number = supersede(platform, platform.tables, name);
    work = allSteps(createBuild(platform, platform.tables, name, underLock));
  });
  return work;
}
