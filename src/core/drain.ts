/** How far the drain of one server has come. Times are milliseconds by the monotonic clock. */
export interface DrainClock {
  /** When the drain was decided; the deadline counts from here. */
  readonly since: number;
  /** When the server was first seen out of rotation; it counts as idle only some time after this. */
  readonly outOfRotationSince?: number;
}

export interface DrainLimits {
  /** After this long a server is removed even if it is not idle, in ms. Its open sessions live on. */
  readonly timeout: number;
  /**
   * How long a server must have been out of rotation before `active` 0 is believed, in ms: a request that an NGINX worker
   * gave to it just before may not have been counted yet.
   */
  readonly settle: number;
}

/** How the server stands in NGINX. */
interface ObservedServer {
  /** NGINX sends it nothing new (`drain` or `down`). */
  readonly out: boolean;
  /** Open requests or connections; undefined where not known. */
  readonly active: number | undefined;
}

/** What to do with a draining server now. */
type DrainStep = 'drain' | 'wait' | 'remove-idle' | 'remove-expired';

/**
 * The drain state machine. A server that is idle is removed as such, also when its deadline has passed meanwhile.
 *
 * | out of rotation | since the decision | open       | step            |
 * |-----------------|--------------------|------------|-----------------|
 * | yes, >= settle  | any                | 0          | remove-idle     |
 * | any other       | >= timeout         | any        | remove-expired  |
 * | no              | < timeout          | any        | drain           |
 * | yes             | < timeout          | otherwise  | wait            |
 */
export function drainStep(
  subject: ObservedServer,
  clock: DrainClock,
  limits: DrainLimits,
  now: number,
): DrainStep {
  const settled = clock.outOfRotationSince !== undefined && now - clock.outOfRotationSince >= limits.settle;
  if (subject.out && settled && subject.active === 0) return 'remove-idle';
  if (now - clock.since >= limits.timeout) return 'remove-expired';
  return subject.out ? 'wait' : 'drain';
}

/** The clock once the server has been read again. */
export function advanceDrain(clock: DrainClock | undefined, out: boolean, now: number): DrainClock {
  const since = clock?.since ?? now;
  if (!out) return { since };
  return { since, outOfRotationSince: clock?.outOfRotationSince ?? now };
}
