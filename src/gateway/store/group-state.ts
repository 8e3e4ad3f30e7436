/**
 * The saved state of a group: its state file, in NGINX's own notation, and a log of the changes since it was written. A change
 * appends one line to the log, whatever the size of the group; the maintenance tasks rewrite the state file now and then.
 * While the state file is written, changes are logged in a second file.
 *
 *      ` part/<name>`         (a counter) which of the two logs is in use: even or odd
 *      ` unnamed/<name>`      (a counter) present while the state file lacks uids, because the gateway has not written it yet
 *
 * See state-file.ts for the rest.
 */
import type { Parameters } from '../model/server.js';
import type { Step } from '../model/steps.js';
import * as steps from '../model/steps.js';
import * as config from './config.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import * as serverLines from './server-lines.js';
import type { Contents, StateFile } from './state-file.js';
import * as stateFile from './state-file.js';
import * as turns from './turns.js';

/** A logged change: the new line of a server, without `is` if the server was removed. */
interface Entry {
  /** The number of the change. */
  n: number;
  uid: number;
  is?: string;
}

/** A saved server. Without a uid it did not come from the gateway. */
export interface SavedServer {
  uid?: number;
  parameters: Parameters;
}

/** The saved state of a group: its servers and the number of the last change. */
interface SavedGroup {
  servers: SavedServer[];
  sequence: number;
}

function fileOf(platform: Platform, name: string): StateFile {
  return { name: name, owner: `${platform.kind} upstream "${name}"`, contents: 'servers' };
}

function logFile(name: string, part: number): string {
  return `${name}.changes${part % 2}`;
}

/** Numbers a change. The caller holds the lock. */
export function nextSequence(platform: Platform, name: string): number {
  return stateFile.nextSequence(platform, name);
}

/** Why the state of a group is stale; `undefined` if it is not. */
export function staleReason(platform: Platform, name: string): string | undefined {
  return stateFile.staleReason(platform, name);
}

function lacksUids(platform: Platform, name: string): boolean {
  return platform.counters.get(` unnamed/${name}`) !== undefined;
}

/** Logs a change that has been made. `peer` is `undefined` if the server was removed. */
export function logChange(
  platform: Platform,
  name: string,
  sequence: number,
  uid: number,
  peer: Peer | undefined,
): void {
  if (lacksUids(platform, name)) {
    // The log refers to servers by uid, so the state file must have uids first. This happens once after a start, if at all.
    if (staleReason(platform, name) === undefined) steps.run(writeState(platform, name));
    return;
  }
  const entry: Entry = { n: sequence, uid: uid };
  if (peer !== undefined) entry.is = serverLines.serverLine(peer);
  const part = platform.counters.get(` part/${name}`) || 0;
  try {
    // The line break in front separates it from a line that was cut off by a full disk.
    platform.append(logFile(name, part), `\n${JSON.stringify(entry)}\n`);
  } catch (thrown) {
    stateFile.setStale(platform, fileOf(platform, name), thrown);
  }
}

/** The entries of a change log. A line that was cut off is ignored. */
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

/** Applies logged changes in the order in which they were made. */
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

/** Reads the saved state of a group. `fallback` are the lines to use if there is no state file. */
export function readState(platform: Platform, name: string, fallback: string): SavedGroup {
  const parse = (text: string): serverLines.Line[] =>
    serverLines.parse(text, platform.kind, (line) =>
      platform.warn(`${platform.kind} upstream "${name}": ignored "${line}"`),
    );
  const text = platform.read(name);
  const saved = text === undefined ? 0 : serverLines.sequence(text);
  const entries = entriesOf(platform.read(logFile(name, 0)))
    .concat(entriesOf(platform.read(logFile(name, 1))))
    .filter((entry) => entry.n > saved);
  const servers = parse(text === undefined ? fallback : text);
  return {
    servers: apply(servers, entries, (line) => parse(line).map((found) => found.parameters)),
    sequence: entries.reduce((last, entry) => Math.max(last, entry.n), saved),
  };
}

/** Continues with the numbers of a state that was read. `hasUids`: the state file has the uids that the servers have. */
export function continueAfter(platform: Platform, name: string, sequence: number, hasUids: boolean): void {
  stateFile.setSequence(platform, name, sequence);
  if (!hasUids) platform.counters.set(` unnamed/${name}`, 1);
}

/** Pages that a step formats. */
const PAGES = 2;
/** Minimum time between two state files of a group, in ms: so much, and so much per server. */
const PAUSE = 1000;
const PAUSE_PER_SERVER = 1;

/** Starts a new log, and collects what the state file will contain; `undefined` while another worker holds the lock. */
function openState(platform: Platform, name: string): Contents | undefined {
  let contents: Contents | undefined;
  lock.tryWithLock(platform, () => {
    // Changes from now on may be in the state file as well as in the new log: applying them twice does no harm.
    const oldLog = logFile(name, platform.counters.incr(` part/${name}`, 1) - 1);
    const directory = group.directory(platform.tables, name);
    const sequence = stateFile.sequenceOf(platform, name);
    contents = {
      sequence: sequence,
      head: serverLines.headLine(sequence),
      tail: '',
      parts: directory.pages.length,
      partsPerStep: PAGES,
      part: (i) =>
        group
          .readPage(platform.tables, name, directory.pages[i] as number)
          .map(serverLines.fileLine)
          .join(''),
      onSaved: () => {
        platform.counters.delete(` unnamed/${name}`);
        platform.remove(oldLog);
      },
      pause: () => PAUSE + PAUSE_PER_SERVER * directory.count,
    };
  });
  return contents;
}

/** Writes the state file of a group, step by step. */
export function writeState(platform: Platform, name: string): Step {
  return stateFile.write(platform, fileOf(platform, name), () => openState(platform, name));
}

/** Starts to write the next state file that lacks a change; `undefined` if there is none. */
export function nextWrite(platform: Platform): Step | undefined {
  return turns.firstInTurn(platform, ' state turn', config.upstreamNames(platform.config), (name) => {
    const isBehind = stateFile.isBehind(platform, name) || lacksUids(platform, name);
    return isBehind && stateFile.isDue(platform, name) ? writeState(platform, name) : undefined;
  });
}
