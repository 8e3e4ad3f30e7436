/**
 * Laying out a group's tables anew, step by step, beside those in use. A step takes less than a millisecond in njs. What
 * changes meanwhile is done to the tables in use (rotation.ts), and to the new ones before they take over. Of several
 * builds of a group at once, such as one of a worker that stood still and goes on, only that which began last writes:
 *
 *      ` build/<name>`          the number of that build
 */
import * as selection from '../balance/selection.js';
import type { Layout, Shape, Traits } from '../balance/table.js';
import * as table from '../balance/table.js';
import * as hash from '../model/consistent-hash.js';
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import * as order from '../model/weighted-order.js';
import type { Directory, Peer, Writable } from './group.js';
import * as group from './group.js';
import * as hashPoints from './hash-points.js';
import * as liveTable from './live-table.js';
import * as lock from './lock.js';
import type { Platform, UpstreamConfig } from './platform.js';

/** Servers, rows or chunks that a step works on. */
const RECORDS = 64;
const CHUNKS = 8;
/** Servers that left during a build and are taken out of its tables in one step. */
const LEAVERS = 16;

/** Runs part of a build alone among all workers, if it can be had now. Throws when another build has begun since. */
type Alone = (body: () => void) => void;

/** Servers of a group by whether they may be chosen, and by their part in it. */
interface Sorted {
  well: Peer[];
  wellBackup: Peer[];
  failed: Peer[];
  failedBackup: Peer[];
  /** Whether one of them warms up. */
  cold: boolean;
}

function sort(sorted: Sorted, peer: Peer, now: number): void {
  if (!group.isEnabled(peer)) return;
  if (group.slowStartShare(peer, now) < group.SLOW_START_STEPS) sorted.cold = true;
  if (peer.unavailableUntil === undefined || peer.unavailableUntil <= now)
    (peer.backup ? sorted.wellBackup : sorted.well).push(peer);
  else (peer.backup ? sorted.failedBackup : sorted.failed).push(peer);
}

/** Whom requests are sent to in turn, and whom when all of these have failed. Where all have failed, they are tried. */
function choosable(sorted: Sorted): { first: Peer[]; next: Peer[] } {
  const some = sorted.well.length + sorted.wellBackup.length > 0;
  const first = some ? sorted.well : sorted.failed;
  const next = some ? sorted.wellBackup : sorted.failedBackup;
  return first.length > 0 ? { first: first, next: next } : { first: next, next: [] };
}

/** Name of the variable that a group hashes by. */
function hashKey(platform: Platform, config: UpstreamConfig): string {
  if (config.key !== undefined) return config.key.replace('$', '');
  return platform.kind === 'http' ? 'request_uri' : 'mqtt_client_id';
}

/** One table on its way. */
interface Draft {
  key: string;
  peers: Peer[];
  weights: number[];
  layout: Layout;
  traits: Traits;
  /** Its header, once its chunks are written. */
  header: string;
  /** The number behind the last of the servers beside the table that the new one has. */
  recentTo: number;
}

/** What a build works with. */
interface Site {
  platform: Platform;
  tables: Writable;
  name: string;
  config: UpstreamConfig;
  now: number;
  alone: Alone;
}

/** Weights for the table: whole numbers in which a server that warms up counts for less. */
function weightOf(site: Site, peer: Peer, cold: boolean, mode: table.Mode): number {
  const weight = peer.weight === undefined ? 1 : peer.weight;
  // As in NGINX, hashing knows no slow start: it would move keys twice.
  return cold && mode !== 'h' ? weight * group.slowStartShare(peer, site.now) : weight;
}

function addRecord(site: Site, draft: Draft, peer: Peer, cold: boolean): void {
  const weight = weightOf(site, peer, cold, draft.layout.mode);
  const text = liveTable.recordOf(peer, weight, draft.layout.mode);
  draft.weights.push(weight);
  draft.layout.records.push(text);
  draft.traits.width = Math.max(draft.traits.width, text.length);
  if (!table.isPlain(text)) draft.traits.plain = false;
}

function layRows(site: Site, draft: Draft): Step {
  if (draft.layout.mode !== 'h') return order.buildOrder(draft.weights, draft.layout.rows);
  const members = draft.peers.map((peer, i) => ({
    server: peer.server as string,
    weight: draft.weights[i] as number,
  }));
  return hash.buildBuckets(members, hashPoints.pointsOf(site.platform, draft.peers), draft.layout.rows);
}

function checkOrder(draft: Draft): Step {
  const rows = draft.layout.rows;
  draft.traits.inOrder = rows.length === draft.layout.records.length;
  return steps.each(draft.traits.inOrder ? rows.length : 0, 8 * RECORDS, (i) => {
    if (rows[i] !== i) draft.traits.inOrder = false;
  });
}

/** Writes the chunks, a few a step, and away with what the set has had beyond them: nobody reads it yet. */
function writeChunks(site: Site, draft: Draft): Step {
  const tables = site.tables;
  let at = 0;
  let form: Shape | undefined;
  let name = '';

  function open(): Shape {
    const set = table.spareSet(tables.get(draft.key));
    name = draft.key + set;
    const shape = table.shapeOf(draft.layout, draft.traits, set);
    draft.header = table.header(draft.layout, shape, liveTable.nextVersion(site.platform));
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
    site.alone(() => {
      if (form === undefined) form = open();
      const count = table.chunkCount(form);
      const end = Math.min(count, at + CHUNKS);
      for (; at < end; at++) tables.set(name + at, table.chunk(draft.layout, form, at));
      done = at >= count;
      if (done) close(count);
    });
    return done;
  };
}

function layOut(site: Site, draft: Draft, cold: boolean): Step {
  return steps.sequence([
    () =>
      steps.each(draft.peers.length, RECORDS, (i) => addRecord(site, draft, draft.peers[i] as Peer, cold)),
    () => layRows(site, draft),
    () => checkOrder(draft),
    () => writeChunks(site, draft),
  ]);
}

/** Has the table in use replaced by the draft, and counts the servers beside it that it lacks. */
function replace(site: Site, draft: Draft): void {
  const tables = site.tables;
  const beside = liveTable.recent(tables, draft.key);
  const count = beside.from + beside.count - draft.recentTo;
  // Before the header: whoever reads it finds these.
  liveTable.setRecent(tables, draft.key, {
    from: draft.recentTo,
    count: count,
    present: draft.layout.records.length,
  });
  const header = table.withVersion(draft.header, liveTable.nextVersion(site.platform));
  tables.set(draft.key, count === 0 ? header : table.forSelection(header));
}

/** Servers that were taken out since the build began. */
function leavers(site: Site): number[] {
  const text = site.tables.get(` left/${site.name}`);
  return text === undefined || text === '' ? [] : text.split(' ').map(Number);
}

/** Takes a server out of the drafts. */
function strike(site: Site, drafts: Draft[], uid: number): void {
  for (let i = 0; i < drafts.length; i++) {
    const draft = drafts[i] as Draft;
    draft.header = liveTable.removeAddress(site.tables, draft.key, draft.header, uid);
  }
}

/** Takes those out of the drafts that have left meanwhile, and then has the drafts take over. */
function publish(site: Site, drafts: Draft[], changes: number): Step {
  let struck = 0;
  let done = false;

  function advance(): void {
    const left = leavers(site);
    const end = Math.min(left.length, struck + LEAVERS);
    for (; struck < end; struck++) strike(site, drafts, left[struck] as number);
    if (struck < left.length) return;
    for (let i = 0; i < drafts.length; i++) replace(site, drafts[i] as Draft);
    liveTable.markBuilt(site.platform, site.name, changes);
    done = true;
  }

  return () => {
    site.alone(advance);
    return done;
  };
}

/** Away with servers beside a table that the table has by now. How far that has got outlives a crash. */
function sweep(site: Site, key: string): Step {
  const counter = ` swept/${key}`;
  const from = site.platform.counters.get(counter) || 0;
  const to = liveTable.recent(site.tables, key).from;
  return steps.each(to - from, RECORDS, (i) => {
    site.tables.delete(`${selection.RECENT}${key}/${from + i}`);
    site.platform.counters.set(counter, from + i + 1);
  });
}

function draftOf(site: Site, key: string, recentTo: number): Draft {
  const mode = liveTable.modeOf(site.config);
  const layout: Layout = { mode: mode, records: [], rows: [] };
  if (mode === 'h') layout.key = hashKey(site.platform, site.config);
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

/** Everything from the servers to the tables. The caller has the lock while this is called. */
function prepare(site: Site): Step {
  const found: Directory = group.directory(site.tables, site.name);
  const changes = liveTable.changeCount(site.platform, site.name);
  const names = liveTable.tableKeys(site.name);
  const drafts = [names.first, names.next].map((key) => {
    const beside = liveTable.recent(site.tables, key);
    return draftOf(site, key, beside.from + beside.count);
  });
  const first = drafts[0] as Draft;
  const next = drafts[1] as Draft;
  const sorted: Sorted = { well: [], wellBackup: [], failed: [], failedBackup: [], cold: false };
  site.tables.set(` left/${site.name}`, '');

  return steps.sequence([
    () =>
      steps.each(found.pages.length, RECORDS / group.PAGE_SIZE, (i) => {
        const peers = group.readPage(site.tables, site.name, found.pages[i] as number);
        for (let p = 0; p < peers.length; p++) sort(sorted, peers[p] as Peer, site.now);
      }),
    steps.once(() => {
      const servers = choosable(sorted);
      first.peers = servers.first;
      next.peers = servers.next;
    }),
    () => layOut(site, first, sorted.cold),
    () => layOut(site, next, sorted.cold),
    () => publish(site, drafts, changes),
    () => sweep(site, first.key),
    () => sweep(site, next.key),
  ]);
}

function siteOf(platform: Platform, tables: Writable, name: string, alone: Alone): Site {
  const config = (platform.config.upstreams as { [name: string]: UpstreamConfig })[name] as UpstreamConfig;
  return {
    platform: platform,
    tables: tables,
    name: name,
    config: config,
    now: platform.clock(),
    alone: alone,
  };
}

/** The number of a build that has just begun: those before it write nothing any more. */
function supersede(platform: Platform, tables: Writable, name: string): string {
  const number = `${platform.counters.incr(' builds', 1)}`;
  tables.set(` build/${name}`, number);
  return number;
}

/** Lays the tables of a group out at once. The caller has the lock. */
export function buildNow(platform: Platform, tables: Writable, name: string): void {
  supersede(platform, tables, name);
  steps.run(prepare(siteOf(platform, tables, name, (body) => body())));
}

/** What a step of {@link beginBuild} throws when another build of the group has begun: this one is to be dropped. */
export const SUPERSEDED = 'superseded';

/** Begins to lay the tables of a group out; `undefined` while another worker has the lock. */
export function beginBuild(platform: Platform, name: string): Step | undefined {
  let work: Step | undefined;
  let number = '';
  const alone: Alone = (body) => {
    lock.tryWithLock(platform, () => {
      if (platform.tables.get(` build/${name}`) !== number) throw SUPERSEDED;
      body();
    });
  };
  lock.tryWithLock(platform, () => {
    number = supersede(platform, platform.tables, name);
    work = prepare(siteOf(platform, platform.tables, name, alone));
  });
  return work;
}
