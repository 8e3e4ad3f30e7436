/**
 * Makes requests follow a change of a group. The table of a small group is rebuilt at once; that of a large group is amended
 * (live-table.ts), and rebuilt by the maintenance tasks (table-build.ts).
 */
import type { Peer, Writable } from './group.js';
import * as group from './group.js';
import * as liveTable from './live-table.js';
import * as reserve from './memory-reserve.js';
import type { Platform } from './platform.js';
import * as tableBuild from './table-build.js';
import * as transaction from './transaction.js';

/** A change of a server. `before` is absent if it was added, `after` if it was removed. */
export interface Edit {
  before?: Peer;
  after?: Peer;
}

/** What has to change in the table in use. */
interface Amendment {
  remove?: Peer;
  add?: Peer;
}

function amend(platform: Platform, tables: Writable, name: string, amendment: Amendment): void {
  if (liveTable.isBuiltAtOnce(platform, tables, name, group.directory(tables, name))) {
    tableBuild.buildNow(platform, tables, name);
    return;
  }
  if (amendment.remove !== undefined) liveTable.removeServer(platform, tables, name, amendment.remove.uid);
  if (amendment.add !== undefined) liveTable.addServer(platform, tables, name, amendment.add);
  liveTable.requestBuild(platform, name);
}

/** Whether a change of parameters needs a new table. */
function needsTable(before: Peer, after: Peer): boolean {
  return (
    before.weight !== after.weight ||
    before.max_conns !== after.max_conns ||
    before.slowStartSince !== after.slowStartSince
  );
}

/** Makes requests follow a change of one server. */
export function follow(platform: Platform, tables: Writable, name: string, edit: Edit): void {
  const was = edit.before !== undefined && group.isEnabled(edit.before);
  const is = edit.after !== undefined && group.isEnabled(edit.after);
  if (!was && !is) return;
  if (was && is && !needsTable(edit.before as Peer, edit.after as Peer)) return;
  const amendment: Amendment = {};
  if (was && !is) amendment.remove = edit.before as Peer;
  if (!was && is) amendment.add = edit.after as Peer;
  amend(platform, tables, name, amendment);
}

/**
 * Makes requests follow what has happened to servers of a group: failures, timeouts, slow starts. `out` is a server that must
 * not get requests any more. The caller holds the lock.
 */
export function rebalance(platform: Platform, name: string, out?: Peer): void {
  const amendment: Amendment = out === undefined ? {} : { remove: out };
  const run = () => transaction.run(platform.tables, (tables) => amend(platform, tables, name, amendment));
  try {
    run();
  } catch (full) {
    if (!reserve.freeReserve(platform)) throw full;
    run();
  }
}
