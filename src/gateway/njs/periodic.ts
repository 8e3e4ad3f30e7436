/** njs module: the maintenance tasks of both blocks. NGINX runs them in one worker. */
import type { Kind } from '../model/server.js';
import type { Step } from '../model/steps.js';
import * as keyvalState from '../store/keyval-state.js';
import * as maintenance from '../store/maintenance.js';
import type { Platform } from '../store/platform.js';
import * as restore from '../store/restore.js';
import * as workers from '../store/workers.js';
import * as generation from './generation.js';
import * as platforms from './nginx-platform.js';
import * as timeSlices from './time-slices.js';

/** How long a round starts new tasks, and when it stops whatever it does then, in ms. */
const ROUND = 1900;
const END = 1960;
/** Time between two checks for a new task, in ms. */
const CHECK_INTERVAL = 10;
/** Time between two checks of all servers, in ms. */
const SERVERS_INTERVAL = 1000;
/** The counter of when all servers were last checked. */
const SERVERS_CHECKED = ' seldom';
/**
 * Length of a time slice, in ms. If the host is so busy that a task is not completed although it had more than half a round,
 * the slices of the next round are twice as long, and so on until all tasks of a round are completed.
 */
const SLICE = 1;
const MAX_SLICE = 64;
/** The counter that has the present length. */
const SLICE_LENGTH = ' slice';

/** The next task; `undefined` if there is none. `left` is the time for it, in ms. */
function nextTask(platform: Platform, left: number): Step | undefined {
  const now = platform.clock();
  const last = platform.counters.get(SERVERS_CHECKED);
  if (last === undefined || now - last >= SERVERS_INTERVAL) {
    platform.counters.set(SERVERS_CHECKED, now);
    return maintenance.checkServers(platform);
  }
  return maintenance.nextTask(platform, left);
}

/** One round. NGINX starts the next one two seconds later, and would end this one then. */
async function runRound(kind: Kind): Promise<void> {
  const platform = platforms.platformOf(kind);
  if (!maintenance.beginRound(platform, END)) return;
  // Devices are answered from a keyval zone, whether or not a client of the API has asked for it.
  keyvalState.load(platform);
  // Loading the groups is a quick task.
  if (!restore.isLoaded(platform)) return;
  if (kind === 'http')
    workers.countRespawns(
      platform,
      generation.currentGeneration(platform, gateway_load).number,
      platform.workers(),
    );
  const began = platform.clock();
  const isLate = () => platform.clock() - began > END;
  while (platform.clock() - began < ROUND) {
    const started = platform.clock();
    const task = nextTask(platform, began + END - started);
    const length = platform.counters.get(SLICE_LENGTH) || SLICE;
    if (task !== undefined && !(await timeSlices.runInSlices(task, length, isLate))) {
      if (started - began < ROUND / 2) platform.counters.set(SLICE_LENGTH, Math.min(MAX_SLICE, 2 * length));
      return;
    }
    await timeSlices.pause(CHECK_INTERVAL);
  }
  platform.counters.set(SLICE_LENGTH, SLICE);
}

function httpQuick(): void {
  maintenance.quickTasks(platforms.platformOf('http'));
}

function streamQuick(): void {
  maintenance.quickTasks(platforms.platformOf('stream'));
}

function httpRound(): Promise<void> {
  return runRound('http');
}

function streamRound(): Promise<void> {
  return runRound('stream');
}

export default { httpQuick, streamQuick, httpRound, streamRound };
