import type { Semaphore } from '../../async/semaphore.js';
import { sleep } from '../../async/sleep.js';
import { Wakeup } from '../../async/wakeup.js';
import type { Address } from '../../core/address.js';
import type { DesiredServer } from '../../core/desired.js';
import type { DrainClock } from '../../core/drain.js';
import type { HealthLookup } from '../../core/effective-health.js';
import { NginxError } from '../../core/errors.js';
import { IMMUTABLE_PARAMETERS, type PlanInput } from '../../core/plan.js';
import type { Clock, NginxApi, NginxIdentity, UpstreamState } from '../../core/ports.js';
import type { ParameterName } from '../../core/server-parameters.js';
import type { UpstreamRef } from '../../core/upstream.js';
import { GuardTracker } from './guard-tracker.js';
import type { WatcherOptions } from './options.js';
import type { PassReport } from './pass-report.js';
import { planInput } from './plan-input.js';
import { type Outcome, type PassResult, reconcile } from './reconcile.js';
import { RejectedActions } from './rejected-actions.js';
import { nextPassIn } from './schedule.js';
import { drainTimeoutOf } from './settings.js';
import type { UpstreamStatus } from './status.js';
import { serverCounts, upstreamStatus } from './upstream-status.js';

/** What one upstream's worker is told by the driver of its NGINX. */
export interface UpstreamContext {
  readonly ref: UpstreamRef;
  readonly api: NginxApi;
  readonly gate: Semaphore;
  readonly report: PassReport;
  readonly clock: Clock;
  /** A time of that clock as people read it: in ms since the epoch. */
  readonly shown: (at: number) => number;
  readonly options: () => WatcherOptions;
  readonly services: () => readonly string[];
  /** What etcd wants of the group now. */
  readonly desired: () => ReadonlyMap<Address, DesiredServer>;
  /** Undefined where the group's services are not probed from here. */
  readonly health: () => HealthLookup | undefined;
  /** Who NGINX was when last asked; undefined while it is away. */
  readonly identity: () => NginxIdentity | undefined;
  /** NGINX may be away, or another: the driver is to look. */
  readonly suspect: () => void;
  /** A pass has ended. */
  readonly passed: () => void;
}

/** How long after a call that timed out its late effect is looked for, in ms. */
const LATE_EFFECT = 5_000;

/**
 * Keeps one upstream of one NGINX equal to what etcd wants. Level-triggered: whatever happens only wakes it, and every
 * pass starts from what NGINX has. It waits for no other upstream.
 */
export class UpstreamWorker {
  readonly #context: UpstreamContext;
  readonly #wakeup = new Wakeup();
  readonly #refusals = new RejectedActions();
  readonly #immutable = new Set<ParameterName>(IMMUTABLE_PARAMETERS);
  readonly #guard: GuardTracker;
  #drains: ReadonlyMap<Address, DrainClock> = new Map();
  /** The requests that the last pass found fulfilled: the newest revision for each address. */
  #out: ReadonlyMap<Address, number> = new Map();
  #last: UpstreamState | undefined;
  #lastPassAt: number | undefined;
  #matchedAt: number | undefined;
  #matched = false;
  #errors: readonly string[] = [];
  #failures = 0;
  #version = 0;
  /** Another number for each NGINX, and after each reload: a pass that spans two proves nothing of the new one. */
  #epoch = 0;
  #verifyAt: number | undefined;
  /** NGINX had no room for a server when it was last asked to add one, and nothing has gone since. */
  #full = false;

  constructor(context: UpstreamContext) {
    this.#context = context;
    const { report, clock, options, desired } = context;
    this.#guard = new GuardTracker({ report, clock, desired, policy: () => options().guard });
  }

  get ref(): UpstreamRef {
    return this.#context.ref;
  }

  /** When the group was last seen to be as wanted, by the monotonic clock. */
  get matchedAt(): number | undefined {
    return this.#matchedAt;
  }

  /** How many servers the guard holds. */
  get heldCount(): number {
    return this.#guard.held.size;
  }

  /** Something may have changed: look at once. */
  wake(): void {
    this.#version++;
    this.#wakeup.wake();
  }

  /** etcd changed. */
  registrationsChanged(): void {
    this.#guard.registrationsChanged();
    this.wake();
  }

  /** Another NGINX, or the same reloaded: nothing that was known of it counts. */
  reset(): void {
    this.#roomAgain();
    this.#epoch++;
    this.#matched = false;
    this.#matchedAt = undefined;
    this.#out = new Map();
    this.#failures = 0;
    this.#context.report.allWell();
    this.wake();
  }

  /** An operator lets the guard's servers go. */
  unhold(): void {
    this.#guard.unhold();
    this.wake();
  }

  /** Whether the request of this revision to take the address out is fulfilled here. */
  isOut(address: Address, revision: number): boolean {
    return (this.#out.get(address) ?? 0) >= revision;
  }

  status(): UpstreamStatus {
    return upstreamStatus({
      ref: this.#context.ref,
      services: this.#context.services(),
      state: this.#last,
      drains: this.#drains,
      held: this.#guard.held,
      matched: this.#matched,
      lastPassAt: this.#lastPassAt,
      errors: this.#errors,
      shown: this.#context.shown,
    });
  }

  /** Runs until aborted; a call under way is let end. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const identity = this.#context.identity();
      const started = this.#context.clock();
      const wait = identity ? await this.#pass(identity, signal) : Number.POSITIVE_INFINITY;
      await this.#wakeup.wait(Math.min(wait, this.#timing.resync), signal);
      // A burst of changes becomes one pass; a lone change comes long after the last pass and is never delayed.
      const early = started + this.#timing.debounce - this.#context.clock();
      if (early > 0) await sleep(early, signal);
    }
  }

  get #timing() {
    return this.#context.options().timing;
  }

  async #pass(identity: NginxIdentity, signal: AbortSignal): Promise<number> {
    const { api, gate, ref, report, clock } = this.#context;
    const epoch = this.#epoch;
    let result: PassResult;
    let requests: ReadonlyMap<Address, number> = new Map();
    try {
      result = await reconcile(
        {
          api,
          gate,
          ref,
          identity,
          wanted: (state) => {
            const desired = this.#context.desired();
            requests = newestRequests(desired);
            return this.#planInput(state, desired);
          },
          isRefused: (action) => this.#refusals.has(action, clock()),
          version: () => this.#version,
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return 0;
      return this.#failedRead(error);
    }
    if (epoch !== this.#epoch) result = { ...result, stale: true };
    report.over('upstream-unreadable');
    this.#lastPassAt = clock();
    this.#last = result.state;
    this.#drains = result.plan.drains;
    const out = result.plan.drained.map((address) => [address, requests.get(address) ?? 0] as const);
    this.#out = new Map(out);
    if (result.stale) this.#context.suspect();
    const wait = this.#conclude(result);
    this.#context.passed();
    return wait;
  }

  #planInput({ servers }: UpstreamState, desired: ReadonlyMap<Address, DesiredServer>): PlanInput {
    const { clock, ref, options, health } = this.#context;
    this.#guard.look(servers);
    return planInput({
      ref,
      options: options(),
      servers,
      desired,
      health: health(),
      held: this.#guard.held.keys(),
      graced: this.#guard.graced,
      drains: this.#drains,
      immutable: this.#immutable,
      full: this.#full,
      now: clock(),
    });
  }

  #failedRead(error: unknown): number {
    if (!(error instanceof NginxError)) throw error;
    const { report, suspect } = this.#context;
    this.#failures++;
    this.#matched = false;
    this.#errors = [error.message];
    report.pass('error');
    // An NGINX that is away is said once by its driver, not by each of its upstreams.
    if (error.status !== undefined) {
      const fields = { code: error.code, status: error.status, reason: error.message };
      report.trouble('upstream-unreadable', fields, 'NGINX does not show the upstream');
    }
    suspect();
    return this.#nextPassIn(false);
  }

  #conclude({ state, plan, outcomes, stale }: PassResult): number {
    const { report, clock } = this.#context;
    for (const outcome of outcomes) this.#learn(outcome);
    const failed = outcomes.filter(({ error }) => error !== undefined);
    // After a reload it is the driver's turn first: it wakes this loop when it knows who NGINX is now.
    const retry = stale || failed.some(({ error }) => error?.retryable || mayHaveMoved(error));
    this.#failures = retry ? this.#failures + 1 : 0;
    this.#errors = failed.map(
      ({ action, error }) => `${action.type} ${action.address}: ${error?.message ?? ''}`,
    );
    this.#matched = plan.actions.length === 0 && plan.deferred.length === 0 && !stale;
    if (this.#matched) {
      this.#matchedAt = clock();
      report.allWell();
    }
    if (plan.deferred.length > 0) {
      const fields = { addresses: plan.deferred };
      report.trouble('drain-deferred', fields, 'nothing else of the upstream serves yet: these stay for now');
    }
    report.pass(failed.length > 0 ? 'error' : 'ok');
    report.servers(serverCounts(state.servers, this.#drains, this.#guard.held));
    return this.#nextPassIn(outcomes.some(({ error }) => !error));
  }

  #learn(outcome: Outcome): void {
    const { action, error } = outcome;
    const { report, clock } = this.#context;
    report.outcome(outcome);
    if (!error) {
      if (action.type === 'remove') this.#roomAgain();
      return;
    }
    if (error.code === 'UpstreamOutOfMemory' && !this.#full) {
      // The plan is another one now: what was to stay until the new ones are there has to make room for them.
      this.#full = true;
      this.wake();
    }
    if (error.code === 'UpstreamServerWeightImmutable') this.#immutable.add('weight');
    else if (!error.retryable && !mayHaveMoved(error))
      this.#refusals.add(action, clock() + this.#timing.resync);
    if (error.code === 'Timeout') this.#verifyAt = clock() + LATE_EFFECT;
    if (error.status === undefined) this.#context.suspect();
  }

  /** What was refused for want of room may be asked for again. */
  #roomAgain(): void {
    this.#full = false;
    this.#refusals.clear();
  }

  #nextPassIn(unproven: boolean): number {
    const { clock, options, ref } = this.#context;
    const now = clock();
    if (this.#verifyAt !== undefined && this.#verifyAt <= now) this.#verifyAt = undefined;
    const outlook = {
      now,
      unproven,
      failures: this.#failures,
      drains: this.#drains.values(),
      nextRelease: this.#guard.nextRelease,
      verifyAt: this.#verifyAt,
      drainTimeout: drainTimeoutOf(ref, options()),
    };
    return nextPassIn(outlook, this.#timing);
  }
}

/** NGINX answered that things are not as they were read: the next pass reads them again. */
function mayHaveMoved(error: NginxError | undefined): boolean {
  return error?.status === 404 || error?.status === 409 || error?.code === 'UpstreamServerWeightImmutable';
}

function newestRequests(desired: ReadonlyMap<Address, DesiredServer>): ReadonlyMap<Address, number> {
  const newest = new Map<Address, number>();
  for (const [address, { requests }] of desired) {
    if (requests.length > 0)
      newest.set(
        address,
        requests.reduce((most, { revision }) => Math.max(most, revision), 0),
      );
  }
  return newest;
}
