import type { DrainClock } from '../../core/drain.js';
import type { WatcherTiming } from './options.js';
import { backOff, drainPoll } from './settings.js';

/** What the time of the next pass hangs on. Times in ms by the monotonic clock. */
export interface ScheduleInput {
  readonly now: number;
  /** Something was done, and is to be seen to have worked. */
  readonly unproven: boolean;
  /** Passes in a row in which a call failed and may succeed when made again. */
  readonly failures: number;
  readonly drains: Iterable<DrainClock>;
  /** The end of the guard's earliest hold or grace. */
  readonly nextRelease: number | undefined;
  /** When to look for the late effect of a call that timed out. */
  readonly verifyAt: number | undefined;
  readonly drainTimeout: number;
}

/** How long to wait for the next pass, in ms, if nothing changes before. */
export function nextPassIn(outlook: ScheduleInput, timing: WatcherTiming): number {
  const { now } = outlook;
  if (outlook.failures > 0) return backOff(outlook.failures, timing.retry);
  if (outlook.unproven) return 0;
  // Spread over its last tenth, so that the groups of many watchers are not all read at once.
  let wait = timing.resync * (0.9 + Math.random() / 10);
  for (const { since } of outlook.drains) {
    wait = Math.min(
      wait,
      drainPoll(since, now, timing.drainPoll),
      untilAfter(since + outlook.drainTimeout, now),
    );
  }
  for (const at of [outlook.nextRelease, outlook.verifyAt]) {
    if (at !== undefined) wait = Math.min(wait, untilAfter(at, now));
  }
  return Math.max(0, wait);
}

/** A deadline that is past was looked at in this pass: what it left undone waits for the poll. */
function untilAfter(at: number, now: number): number {
  return at > now ? at - now : Number.POSITIVE_INFINITY;
}
