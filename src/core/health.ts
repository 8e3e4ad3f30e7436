/** The timing of a health check. */
export interface HealthPolicy {
  /** Time from the end of one probe to the start of the next, in ms; default 5000. */
  readonly interval: number;
  /** A probe that takes longer has failed, in ms; default 2000. */
  readonly timeout: number;
  /** Successes in a row that make an unhealthy instance healthy; default 2. The very first success is enough. */
  readonly rise: number;
  /** Failures in a row that make a healthy instance unhealthy; default 3. */
  readonly fall: number;
}

export const DEFAULT_HEALTH_POLICY: HealthPolicy = { interval: 5000, timeout: 2000, rise: 2, fall: 3 };

/** What is known of one instance's health. */
export interface Health {
  /** `unknown` until the first probe has ended. */
  readonly status: 'unknown' | 'healthy' | 'unhealthy';
  /** Probes in a row that spoke against `status`. */
  readonly against: number;
}

export const UNKNOWN_HEALTH: Health = { status: 'unknown', against: 0 };

/**
 * The health after one more probe. Pure.
 *
 * | status    | probe   | in a row      | becomes   |
 * |-----------|---------|---------------|-----------|
 * | unknown   | success | 1             | healthy   |
 * | unknown   | failure | 1             | unhealthy |
 * | healthy   | failure | `fall`        | unhealthy |
 * | unhealthy | success | `rise`        | healthy   |
 * | any       | agrees  |               | the same  |
 */
export function nextHealth(
  health: Health,
  success: boolean,
  policy: Pick<HealthPolicy, 'rise' | 'fall'>,
): Health {
  const verdict = success ? 'healthy' : 'unhealthy';
  if (health.status === 'unknown') return { status: verdict, against: 0 };
  if (health.status === verdict) return { status: verdict, against: 0 };
  const against = health.against + 1;
  const needed = success ? policy.rise : policy.fall;
  return against >= needed ? { status: verdict, against: 0 } : { status: health.status, against };
}
