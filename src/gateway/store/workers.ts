/** The worker processes: which of them crashed, and what becomes of the counters of those that no longer run. */
import * as tableFormat from '../balance/table-format.js';
import type { Platform } from './platform.js';
import * as platforms from './platform.js';

/** The counter of workers that NGINX has replaced after a crash. */
export const RESPAWNED = ' respawned';

/** The key of the last {@link Census}. */
const CENSUS = ' workers';

/** The workers of a load of the configuration, and those of earlier loads that still ran when it began. */
interface Census {
  generation: number;
  pids: number[];
  retiring: number[];
}

/** Counts workers that vanished although no reload had retired them. `running` are the master's workers. */
export function countRespawns(platform: Platform, generation: number, running: number[]): void {
  const text = platform.tables.get(CENSUS);
  const before: Census = text === undefined ? { generation: 0, pids: [], retiring: [] } : JSON.parse(text);
  // A worker that is shutting down belongs to an earlier load.
  if (generation < before.generation) return;
  const reloaded = generation > before.generation;
  const retiring = reloaded ? before.pids.concat(before.retiring) : before.retiring;
  const census: Census = {
    generation: generation,
    pids: running.filter((pid) => retiring.indexOf(pid) < 0),
    retiring: retiring.filter((pid) => running.indexOf(pid) >= 0),
  };
  platform.tables.set(CENSUS, JSON.stringify(census));
  const lost = reloaded ? 0 : before.pids.filter((pid) => running.indexOf(pid) < 0).length;
  if (lost > 0) platform.counters.incr(RESPAWNED, lost);
}

/** The key of the workers that ran when counters were last folded. */
const LAST_WORKERS = ' buried';

/** Adds the counters of dead workers to the servers' own, and lists the workers that count. */
function foldDeadWorkers(platform: Platform): void {
  const items = platform.counters.items(platforms.ALL);
  const alive: { [pid: string]: boolean } = {};
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as [string, number];
    const match = item[0].match(/^(\d+)\/(\d+)$/);
    if (match === null) continue;
    const pid = match[2] as string;
    if (alive[pid] === undefined) alive[pid] = platform.alive(Number(pid));
    if (alive[pid]) continue;
    // Deleted first: if this worker crashes here, requests are missing from a statistic, but none is counted twice.
    platform.counters.delete(item[0]);
    platform.counters.incr(`${match[1]}/requests`, Math.floor(item[1] / tableFormat.ACTIVE_LIMIT));
  }
  const living = Object.keys(alive).filter((pid) => alive[pid]);
  platform.tables.set(' pids', living.join(' '));
}

/** Keeps the list of workers that count up to date. */
export function updateWorkers(platform: Platform): void {
  const workers = platform.workers().join(' ');
  // Going through all counters takes time. It is needed only if the workers have changed, or are not known.
  if (workers === '' || platform.tables.get(LAST_WORKERS) !== workers) {
    foldDeadWorkers(platform);
    platform.tables.set(LAST_WORKERS, workers);
  }
  // Workers add themselves when they begin to count. Of two at once one may be lost.
  if (workers !== '' && platform.tables.get(' pids') !== workers) platform.tables.set(' pids', workers);
}
