import type { NginxError } from '../../core/errors.js';
import { type Call, IMMUTABLE_PARAMETERS } from '../../core/plan.js';
import type { ParameterName } from '../../core/server-parameters.js';
import type { Outcome, PassResult } from './reconcile.js';

/** How long after a call that timed out its late effect is looked for, in ms. */
const TIMEOUT_VERIFY_DELAY = 5_000;

/** What NGINX has taught about one upstream by its answers. Times are milliseconds by the monotonic clock. */
export class UpstreamMemory {
  readonly #immutable = new Set<ParameterName>(IMMUTABLE_PARAMETERS);
  /** The actions that NGINX has rejected, each with the time at which it may be tried again. */
  readonly #rejected = new Map<string, number>();
  #zoneFull = false;
  #failures = 0;
  #verifyAt: number | undefined;

  /** Parameters that NGINX does not let a PATCH change. */
  get immutable(): ReadonlySet<ParameterName> {
    return this.#immutable;
  }

  /** NGINX had no room when it was last asked to add a server, and nothing has been removed since. */
  get zoneFull(): boolean {
    return this.#zoneFull;
  }

  /** Passes in a row in which something failed that may succeed when it is tried again. */
  get failures(): number {
    return this.#failures;
  }

  /** When the late effect of a call that timed out is to be looked for; undefined where there is none. */
  verifyAt(now: number): number | undefined {
    return this.#verifyAt !== undefined && this.#verifyAt > now ? this.#verifyAt : undefined;
  }

  /** Whether NGINX has rejected the action in a way that asking again does not change, and it is too early to try again. */
  isRejected(action: Call, now: number): boolean {
    if (this.#rejected.size === 0) return false;
    return (this.#rejected.get(rejectionKey(action)) ?? Number.NEGATIVE_INFINITY) > now;
  }

  /** Takes in what came of a full pass. @param retryRejected How long a rejected action is not tried again, in ms. */
  recordPass(result: PassResult, now: number, retryRejected: number): void {
    for (const [key, until] of this.#rejected) if (until <= now) this.#rejected.delete(key);
    const failed = this.#recordOutcomes(result.outcomes, now, retryRejected);
    this.#failures = failed || result.stale ? this.#failures + 1 : 0;
  }

  /** Takes in what came of a pass over some addresses: that these went well says nothing of the others. */
  recordAddresses(result: PassResult, now: number, retryRejected: number): void {
    const failed = this.#recordOutcomes(result.outcomes, now, retryRejected);
    if (failed || result.stale) this.#failures++;
  }

  /** The group could not be read. */
  recordFailedRead(): void {
    this.#failures++;
  }

  /** NGINX was reloaded or restarted: its zone may be larger, and what it rejected may be taken. */
  forget(): void {
    this.#capacityFreed();
    this.#failures = 0;
  }

  /** Tells whether any failed that may succeed when it is tried again. */
  #recordOutcomes(outcomes: readonly Outcome[], now: number, retryRejected: number): boolean {
    let failed = false;
    for (const { action, error } of outcomes) {
      if (error) {
        failed ||= leavesStateUncertain(error);
        this.#recordError(action, error, now, retryRejected);
      } else if (action.type === 'remove') this.#capacityFreed();
    }
    return failed;
  }

  #recordError(action: Call, error: NginxError, now: number, retryRejected: number): void {
    if (error.code === 'UpstreamOutOfMemory') this.#zoneFull = true;
    if (error.code === 'TIMEOUT') this.#verifyAt = now + TIMEOUT_VERIFY_DELAY;
    if (error.code === 'UpstreamServerWeightImmutable') this.#immutable.add('weight');
    if (!leavesStateUncertain(error)) this.#rejected.set(rejectionKey(action), now + retryRejected);
  }

  /** What was rejected for want of room may be tried again. */
  #capacityFreed(): void {
    this.#zoneFull = false;
    this.#rejected.clear();
  }
}

/**
 * Whether the call may succeed when it is made again, and what is known of the servers may be wrong: it may have been done,
 * or they are not as they were read.
 */
export function leavesStateUncertain(error: NginxError): boolean {
  return error.retryable || isStateConflict(error);
}

/** The group has changed since it was read: the next pass reads it again. */
function isStateConflict({ status, code }: NginxError): boolean {
  return status === 404 || status === 409 || code === 'UpstreamServerWeightImmutable';
}

/** The action in words that outlive a reload: without the id. */
function rejectionKey(action: Call): string {
  switch (action.type) {
    case 'add':
      return `add ${action.address} ${JSON.stringify(action.parameters)}`;
    case 'update':
      return `update ${action.address} ${JSON.stringify(action.changes)}`;
    default:
      return `${action.type} ${action.address}`;
  }
}
