/** njs module: the periodic work of both blocks. NGINX has one worker do it. */
import type { Kind } from '../model/server.js';
import type { Step } from '../model/steps.js';
import * as maintenance from '../store/maintenance.js';
import type { Platform } from '../store/platform.js';
import * as generation from './generation.js';
import * as platforms from './nginx-platform.js';
import * as timeSlices from './time-slices.js';

/** How long a round of the slow work looks for something to do, and when it ends whatever it does then, ms. */
const ROUND = 1900;
const END = 1960;
/** Time between two looks, ms. */
const LOOK = 10;
/** Time between two rounds through all servers, ms. */
const SELDOM = 1000;
/** When they were last gone through. */
const LAST = ' seldom';
/**
 * Length of a slice of work, ms. Where the machine has so much else to do that a round comes to its end before its work
 * does, the slices of the next are twice as long, and so on until one gets there.
 */
const SLICE = 1;
const LONGEST_SLICE = 64;
/** Where the length is kept. */
const LENGTH = ' slice';

function often(kind: Kind): void {
  maintenance.quickTasks(platforms.platformOf(kind));
}

/** The next piece of work; `undefined` when there is none. */
function next(platform: Platform, left: number): Step | undefined {
  const now = platform.clock();
  const last = platform.counters.get(LAST);
  if (last === undefined || now - last >= SELDOM) {
    platform.counters.set(LAST, now);
    return maintenance.checkServers(platform);
  }
  return maintenance.nextTask(platform, left);
}

/** One round. NGINX begins the next two seconds after this one, and would end this one then. */
async function work(kind: Kind): Promise<void> {
  const platform = platforms.platformOf(kind);
  // A group that is not in memory yet is left to `often`.
  if (!maintenance.isLoaded(platform)) return;
  if (kind === 'http')
    maintenance.countRespawns(platform, generation.currentGeneration(platform).number, platform.workers());
  const began = platform.clock();
  const isLate = () => platform.clock() - began > END;
  while (platform.clock() - began < ROUND) {
    const step = next(platform, began + END - platform.clock());
    const length = platform.counters.get(LENGTH) || SLICE;
    if (step !== undefined && !(await timeSlices.runInSlices(step, length, isLate))) {
      platform.counters.set(LENGTH, Math.min(LONGEST_SLICE, 2 * length));
      return;
    }
    await timeSlices.pause(LOOK);
  }
  platform.counters.set(LENGTH, SLICE);
}

function httpOften(): void {
  often('http');
}

function streamOften(): void {
  often('stream');
}

function httpWork(): Promise<void> {
  return work('http');
}

function streamWork(): Promise<void> {
  return work('stream');
}

export default { httpOften, streamOften, httpWork, streamWork };
