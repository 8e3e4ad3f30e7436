/** Loads the groups into shared memory after a start, and adapts them after a reload that changed their declarations. */
import * as tableFormat from '../balance/table-format.js';
import * as errors from '../model/errors.js';
import * as admission from './admission.js';
import * as config from './config.js';
import type { Peer } from './group.js';
import * as group from './group.js';
import type { SavedServer } from './group-state.js';
import * as groupState from './group-state.js';
import * as lock from './lock.js';
import type { Platform } from './platform.js';
import * as tableBuild from './table-build.js';
import * as upgrade from './upgrade.js';

/** The key of the declarations, and of the formats, that shared memory was last adapted to. */
const LOADED = ' loaded';

/** The highest uid that is accepted from a state file. */
const MAX_UID = 1_000_000_000_000;

function newUid(platform: Platform): number {
  return platform.counters.incr(' uid', 1);
}

/** A saved uid; or a new one, if the saved one is missing, in use, or not higher than the previous (tables rely on the order). */
function uidOf(platform: Platform, saved: number | undefined, previous: number): number {
  if (saved === undefined || saved <= previous || saved > MAX_UID) return newUid(platform);
  if (group.findByUid(platform.tables, `${saved}`) !== undefined) return newUid(platform);
  if (saved > (platform.counters.get(' uid') || 0)) platform.counters.set(' uid', saved);
  return saved;
}

/** Whether the address of a saved server is allowed. Servers declared in gateway.json, which have no uid, always are. */
function isAdmitted(platform: Platform, name: string, saved: SavedServer): boolean {
  if (saved.uid === undefined) return true;
  const reason = admission.objection(platform, saved.parameters.server as string);
  if (reason !== undefined) platform.warn(`${platform.kind} upstream "${name}": ignored a server: ${reason}`);
  return reason === undefined;
}

/** The initial servers of a group, as lines of a state file. */
function declaredLines(platform: Platform, name: string): string {
  const servers = config.upstreamConfig(platform.config, name).servers;
  let lines = '';
  // Preloaded arrays have an index and a length, but no methods.
  if (servers !== undefined) for (let i = 0; i < servers.length; i++) lines += `server ${servers[i]};\n`;
  return lines;
}

function restoreGroup(platform: Platform, name: string): void {
  const state = groupState.readState(platform, name, declaredLines(platform, name));
  const admitted = state.servers.filter((saved) => isAdmitted(platform, name, saved));
  const servers = admitted.slice(0, group.MAX_SERVERS);
  if (servers.length < admitted.length)
    platform.warn(
      `${platform.kind} upstream "${name}": ignored all but ${group.MAX_SERVERS} servers of its state`,
    );
  let previous = 0;
  let hasNewUids = false;
  const peers: Peer[] = servers.map((saved, i) => {
    previous = uidOf(platform, saved.uid, previous);
    if (previous !== saved.uid) hasNewUids = true;
    return group.createPeer(saved.parameters, i, previous);
  });
  group.writeAll(platform.tables, name, peers, peers.length);
  groupState.continueAfter(platform, name, state.sequence, !hasNewUids);
}

/** What {@link LOADED} has to be. */
function wanted(platform: Platform): string {
  return tableFormat.FORMAT + group.FORMAT + JSON.stringify(platform.config.upstreams);
}

/** Whether the groups are in shared memory as they are declared. */
export function isLoaded(platform: Platform): boolean {
  return platform.config.upstreams === undefined || platform.tables.get(LOADED) === wanted(platform);
}

/** Loads all groups after a start, and changed ones after a reload. Throws {@link errors.locked}. */
export function load(platform: Platform): void {
  if (isLoaded(platform)) return;
  lock.withLock(platform, () => {
    if (isLoaded(platform)) return;
    const names = config.upstreamNames(platform.config);
    const loaded = platform.tables.get(LOADED);
    if (loaded !== undefined && loaded.indexOf(tableFormat.FORMAT + group.FORMAT) !== 0)
      upgrade.convertOldFormat(platform, names);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      if (!group.isKnown(platform.tables, name)) restoreGroup(platform, name);
      // A reload may have changed the balancing method, or the modules that build the table.
      tableBuild.buildNow(platform, platform.tables, name);
    }
    platform.tables.set(LOADED, wanted(platform));
  });
}

/** Like {@link load}, but returns false if another worker holds the lock. */
export function tryLoad(platform: Platform): boolean {
  try {
    load(platform);
    return true;
  } catch (thrown) {
    if (thrown !== errors.locked) throw thrown;
    return false;
  }
}
