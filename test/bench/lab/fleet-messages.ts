/** What the harness and the process of the simulated sidekicks tell each other. */

export type FleetRequest =
  /** Every sidekick gives its lease back and registers anew, after a random part of so many ms. Answered when all have. */
  { readonly kind: 'restart'; readonly spread: number } | { readonly kind: 'report' };

export interface FleetReport {
  /** Leases renewed so far. */
  readonly renewals: number;
  /** Calls that failed so far, whatever the reason. */
  readonly failures: number;
  /** Changes that etcd refused so far, as it had too many waiting; they were made again. */
  readonly refusals: number;
  /** How long each registration took in the last (re)start, in ms. */
  readonly registrations: readonly number[];
}
