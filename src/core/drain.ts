/** When the taking-out of one server began, in milliseconds by the monotonic clock. */
export interface DrainClock {
  /** When it was first decided; the deadline counts from here. */
  readonly since: number;
  /** When NGINX was first seen to send it nothing new; idleness counts only after this. */
  readonly outSince?: number;
}

export interface DrainLimits {
  /** After this long a server is removed even if it is not idle, in ms. Its open sessions live on. */
  readonly timeout: number;
  /**
   * How long a server must have been out before `active` 0 is believed, in ms: a request that an NGINX worker gave
   * to it just before may not have been counted yet.
   */
  readonly settle: number;
}

/** How the server stands in NGINX. */
export interface ObservedServer {
  /** NGINX sends it nothing new (`drain` or `down`). */
  readonly out: boolean;
  /** Open requests or connections; undefined where not known. */
  readonly active: number | undefined;
}

/** What to do with a draining server now. */
export type DrainStep = 'take-out' | 'wait' | 'remove-idle' | 'remove-expired';

/**
 * The drain state machine.
 *
 * | out of rotation | since the decision | open       | step            |
 * |-----------------|--------------------|------------|-----------------|
 * | any             | ≥ timeout          | any        | remove-expired  |
 * | no              | < timeout          | any        | take-out        |
 * | yes, ≥ settle   | < timeout          | 0          | remove-idle     |
 * | yes             | < timeout          | otherwise  | wait            |
 */
export function drainStep(
  subject: ObservedServer,
  clock: DrainClock,
  limits: DrainLimits,
  now: number,
): DrainStep {
  const settled = clock.outSince !== undefined && now - clock.outSince >= limits.settle;
  if (subject.out && settled && subject.active === 0) return 'remove-idle';
  if (now - clock.since >= limits.timeout) return 'remove-expired';
  return subject.out ? 'wait' : 'take-out';
}

/** The clock after one look at the server. */
export function advanceDrain(clock: DrainClock | undefined, out: boolean, now: number): DrainClock {
  const since = clock?.since ?? now;
  if (!out) return { since };
  return { since, outSince: clock?.outSince ?? now };
}
