import { backoff } from '../../async/backoff.js';
import type { DrainClock } from '../../core/drain.js';
import type { WatcherTiming } from './options.js';

/** What the time of the next full pass depends on. Times are milliseconds by the monotonic clock. */
export interface ScheduleInput {
  readonly now: number;
  /** Something was done, and it is to be verified that it worked. */
  readonly verify: boolean;
  /** Passes in a row in which something failed that may succeed when it is tried again. */
  readonly failures: number;
  readonly drains: Iterable<DrainClock>;
  /** The end of the guard's earliest hold or grace. */
  readonly guardEnd: number | undefined;
  /** When to look for the late effect of a call that timed out. */
  readonly verifyAt: number | undefined;
  readonly drainTimeout: number;
  /** How many servers the group has: reading it costs as much. */
  readonly servers: number;
}

/** How often a group is read while it drains, at most: every so many ms for each of its servers. */
const DRAIN_POLL_PER_SERVER = 0.5;

/** How long after the last change of a group the full pass proves it, in ms for each of its servers. */
const QUIET_PER_SERVER = 0.1;
/** How long, in all, that can be put off by further changes: in ms, and in ms for each server. */
const LONGEST_UNPROVEN = 1_000;
const UNPROVEN_PER_SERVER = 1;

/**
 * How long to wait for the next full pass, in ms, if nothing changes before.
 * @param random 0 to 1; default Math.random.
 */
export function nextPassIn(input: ScheduleInput, timing: WatcherTiming, random = Math.random): number {
  const { now } = input;
  if (input.failures > 0) return backoff(input.failures, timing.retry, random);
  if (input.verify) return 0;
  // Spread over its last tenth, so that the groups of many watchers are not all read at once.
  let wait = timing.resync * (0.9 + random() / 10);
  for (const { since } of input.drains) {
    const poll = Math.max(
      drainPollInterval(since, now, timing.drainPoll),
      input.servers * DRAIN_POLL_PER_SERVER,
    );
    wait = Math.min(wait, poll, untilAfter(since + input.drainTimeout, now));
  }
  for (const at of [input.guardEnd, input.verifyAt]) {
    if (at !== undefined) wait = Math.min(wait, untilAfter(at, now));
  }
  return Math.max(0, wait);
}

/** How soon to read draining servers again, in ms: the longer the drain has gone on, the less often. */
export function drainPollInterval(
  since: number,
  now: number,
  { min, max }: WatcherTiming['drainPoll'],
): number {
  return Math.min(max, Math.max(min, (now - since) / 4));
}

/** A deadline that is past was acted on in this pass: what it left undone waits for the poll. */
function untilAfter(at: number, now: number): number {
  return at > now ? at - now : Number.POSITIVE_INFINITY;
}

/**
 * When the next full pass over one upstream is to begin. Times are milliseconds by the monotonic clock.
 *
 * A pass begins no sooner than `debounce` after the one before began, so that a burst becomes one. What the fast path has
 * done is proved by a full pass after a quiet moment, which grows with the group; further changes put it off, but not for
 * ever.
 */
export class PassSchedule {
  #isRequested = true;
  #startedAt = Number.NEGATIVE_INFINITY;
  #nextAt = Number.POSITIVE_INFINITY;
  /** When the fast path first did something that no full pass has proved yet. */
  #unprovenSince: number | undefined;
  #proveAt = Number.POSITIVE_INFINITY;

  /** A full pass is wanted at once. */
  request(): void {
    this.#isRequested = true;
  }

  /** A full pass begins. */
  begin(now: number): void {
    this.#isRequested = false;
    this.#startedAt = now;
    this.#nextAt = Number.POSITIVE_INFINITY;
    this.#unprovenSince = undefined;
    this.#proveAt = Number.POSITIVE_INFINITY;
  }

  /** The next pass is due in so many ms, if not before. */
  next(wait: number, now: number): void {
    this.#nextAt = Math.min(this.#nextAt, now + wait);
  }

  /** The fast path has done something in a group of so many servers. */
  prove(servers: number, now: number, { debounce }: Pick<WatcherTiming, 'debounce'>): void {
    this.#unprovenSince ??= now;
    const quiet = Math.max(debounce, servers * QUIET_PER_SERVER);
    const longest = Math.max(LONGEST_UNPROVEN, servers * UNPROVEN_PER_SERVER);
    this.#proveAt = Math.min(now + quiet, this.#unprovenSince + longest);
  }

  /** How long until a full pass is to begin, in ms; 0 where it is due. */
  wait(now: number, { debounce }: Pick<WatcherTiming, 'debounce'>): number {
    const due = this.#isRequested ? now : Math.min(this.#nextAt, this.#proveAt);
    return Math.max(0, due - now, this.#startedAt + debounce - now);
  }
}
