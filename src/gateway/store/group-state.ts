/**
 * What outlives NGINX: for each group its state file, in NGINX's own notation, and the changes since it was written. A
 * change adds one line to those, whatever the size of the group; now and then the upkeep writes the state file anew.
 * Nothing here runs under the lock, so that a slow disk holds up whoever made the change and nobody else. A disk that takes
 * nothing holds up no change at all: the state is stale then, and written as soon as it can be.
 *
 *      ` sequence/<name>`     (a counter) number of the last change
 *      ` part/<name>`         (a counter) which of the two files of changes is in use, by being even or odd
 *      ` stale/<name>`        why the state on disk is not what it should be
 *      ` saved/<name>`        (a counter) number of the last change that the state file has
 *      ` unnamed/<name>`      (a counter) there while the state file lacks uids of servers, because others have written it
 */
import type { Parameters } from '../model/server.js';
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import * as serverLines from './server-lines.js';

/** One change: a server as it is from now on, without `is` when it was removed. */
interface Entry {
  /** The number of the change. */
  n: number;
  uid: number;
  is?: string;
}

/** A remembered server. Without a uid it is new to the gateway. */
export interface SavedServer {
  uid?: number;
  parameters: Parameters;
}

/** What was remembered of a group: its servers and the number of the last change. */
export interface SavedGroup {
  servers: SavedServer[];
  sequence: number;
}

function changesFile(name: string, part: number): string {
  return `${name}.changes${part % 2}`;
}

/** Numbers a change. The caller has the lock. */
export function nextSequence(platform: Platform, name: string): number {
  return platform.counters.incr(` sequence/${name}`, 1);
}

/** Why the state of a group is stale; `undefined` when it is not. */
export function staleReason(platform: Platform, name: string): string | undefined {
  return platform.tables.get(` stale/${name}`);
}

function setStale(platform: Platform, name: string, thrown: unknown): void {
  if (staleReason(platform, name) !== undefined) return;
  platform.warn(
    `${platform.kind} upstream "${name}": its state cannot be written: ${String(thrown)}. Changes hold, but a restart of ` +
      'NGINX would begin with older servers. It is tried again until it succeeds.',
  );
  try {
    platform.tables.set(` stale/${name}`, String(thrown));
  } catch {
    // Shared memory is full as well; the upkeep tries all the same, because the file lacks changes.
  }
}

/** Remembers a change of a server that has been made; `peer` is `undefined` when it was removed. */
export function logChange(
  platform: Platform,
  name: string,
  change: number,
  uid: number,
  peer: Peer | undefined,
): void {
  if (platform.counters.get(` unnamed/${name}`) !== undefined) {
    // No change can be noted before the file names who has changed. That happens once after a start, if at all.
    if (staleReason(platform, name) === undefined) steps.run(writeState(platform, name));
    return;
  }
  const entry: Entry = { n: change, uid: uid };
  if (peer !== undefined) entry.is = serverLines.serverLine(peer);
  const part = platform.counters.get(` part/${name}`) || 0;
  try {
    // A line of its own even behind one that was cut off by a full disk.
    platform.append(changesFile(name, part), `\n${JSON.stringify(entry)}\n`);
  } catch (thrown) {
    setStale(platform, name, thrown);
  }
}

/** Entries of a file of changes; what was cut off counts as not there. */
function entriesOf(text: string | undefined): Entry[] {
  const found: Entry[] = [];
  const lines = text === undefined ? [] : text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const entry = entryOf(lines[i] as string);
    if (entry !== undefined) found.push(entry);
  }
  return found;
}

function entryOf(line: string): Entry | undefined {
  if (line === '') return undefined;
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    if (entry === null || !serverLines.isNumber(entry.n) || !serverLines.isNumber(entry.uid))
      return undefined;
    return entry.is === undefined || typeof entry.is === 'string' ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/** Applies changes in the order in which they were made. */
function apply(
  servers: SavedServer[],
  entries: Entry[],
  parse: (line: string) => Parameters[],
): SavedServer[] {
  const at: { [uid: string]: number } = {};
  for (let i = 0; i < servers.length; i++) {
    const uid = (servers[i] as SavedServer).uid;
    if (uid !== undefined) at[`${uid}`] = i;
  }
  const result: (SavedServer | undefined)[] = servers.slice();
  entries.sort((a, b) => a.n - b.n);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    const key = `${entry.uid}`;
    const parameters = entry.is === undefined ? undefined : parse(entry.is)[0];
    if (at[key] === undefined) at[key] = result.length;
    result[at[key] as number] =
      parameters === undefined ? undefined : { uid: entry.uid, parameters: parameters };
  }
  return result.filter((server) => server !== undefined) as SavedServer[];
}

/** Reads what was remembered. `fallback` are the lines of a group that has no state file. */
export function readState(platform: Platform, name: string, fallback: string): SavedGroup {
  const parse = (text: string): serverLines.Line[] =>
    serverLines.parse(text, platform.kind, (line) =>
      platform.warn(`${platform.kind} upstream "${name}": ignored "${line}"`),
    );
  const text = platform.read(name);
  const saved = text === undefined ? 0 : serverLines.sequence(text);
  const entries = entriesOf(platform.read(changesFile(name, 0)))
    .concat(entriesOf(platform.read(changesFile(name, 1))))
    .filter((entry) => entry.n > saved);
  const servers = parse(text === undefined ? fallback : text);
  return {
    servers: apply(servers, entries, (line) => parse(line).map((found) => found.parameters)),
    sequence: entries.reduce((last, entry) => Math.max(last, entry.n), saved),
  };
}

/** Goes on with the numbers of what was recalled. `named` is whether the state file has the uids that the servers have. */
export function continueAfter(platform: Platform, name: string, sequence: number, named: boolean): void {
  platform.counters.set(` sequence/${name}`, sequence);
  if (!named) platform.counters.set(` unnamed/${name}`, 1);
}

/** Whether the state file lacks a change, or is stale. */
export function isBehind(platform: Platform, name: string): boolean {
  const last = platform.counters.get(` sequence/${name}`) || 0;
  const saved = platform.counters.get(` saved/${name}`) || 0;
  return (
    last !== saved ||
    staleReason(platform, name) !== undefined ||
    platform.counters.get(` unnamed/${name}`) !== undefined
  );
}

/** Pieces that a step formats: 32 servers. */
const PIECES = 2;

/**
 * Writes the state file of a group, step by step. Changes that are made meanwhile are in the other file of changes, and
 * perhaps in the state file as well: they can be applied twice.
 */
export function writeState(platform: Platform, name: string): Step {
  let fresh = '';
  let pieces: number[] = [];
  let sequence = -1;
  let before = 0;
  let lines: string[] = [];

  /** From now on changes are noted in the other file, which holds none that count. */
  function open(): void {
    lock.tryWithLock(platform, () => {
      before = platform.counters.get(` part/${name}`) || 0;
      platform.counters.incr(` part/${name}`, 1);
      fresh = `${name}.new${before % 2}`;
      sequence = platform.counters.get(` sequence/${name}`) || 0;
      pieces = group.directory(platform.tables, name).pages;
    });
  }

  function flush(): void {
    platform.append(fresh, lines.join(''));
    lines = [];
  }

  function add(i: number): void {
    const peers = group.readPage(platform.tables, name, pieces[i] as number);
    for (let p = 0; p < peers.length; p++) lines.push(serverLines.fileLine(peers[p] as Peer));
    if (lines.length > 16 * group.PAGE_SIZE) flush();
  }

  function close(): void {
    flush();
    if ((platform.counters.get(` saved/${name}`) || 0) > sequence) {
      // Another worker has been faster, and knows more.
      platform.remove(fresh);
      return;
    }
    platform.rename(fresh, name);
    platform.counters.delete(` unnamed/${name}`);
    platform.remove(changesFile(name, before));
    platform.counters.set(` saved/${name}`, sequence);
    if (platform.tables.delete(` stale/${name}`))
      platform.warn(`${platform.kind} upstream "${name}": its state has been written again`);
  }

  const work = steps.sequence([
    () => () => {
      open();
      return sequence >= 0;
    },
    steps.once(() => {
      // Left by a worker that died.
      platform.remove(fresh);
      lines.push(serverLines.headLine(sequence));
    }),
    () => steps.each(pieces.length, PIECES, add),
    steps.once(close),
  ]);
  return () => {
    try {
      return work();
    } catch (thrown) {
      // Half a file takes up room that the changes need.
      platform.remove(fresh);
      setStale(platform, name, thrown);
      return true;
    }
  };
}
