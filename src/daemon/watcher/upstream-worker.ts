import { Wakeup } from '../../async/wakeup.js';
import type { Address } from '../../core/address.js';
import type { Cause } from '../../core/cause.js';
import { type DesiredServers, desiredServers } from '../../core/desired.js';
import type { DrainClock } from '../../core/drain.js';
import { NginxError } from '../../core/errors.js';
import { type Action, type Plan, plan } from '../../core/plan.js';
import type { NginxIdentity } from '../../core/ports.js';
import type { PublishedUpstream } from '../../core/published-status.js';
import type { UpstreamRef } from '../../core/upstream.js';
import type { WatcherDeps } from './deps.js';
import { FastPasses } from './fast-passes.js';
import { GuardTracker } from './guard-tracker.js';
import type { KnownServers } from './known-servers.js';
import type { NginxConnection } from './nginx-connection.js';
import { drainTimeoutOf } from './options.js';
import { PassReport } from './pass-report.js';
import { PropagationClock } from './propagation-clock.js';
import { type PublishedUpstreamInput, publishedUpstream } from './published-status.js';
import {
  type NginxTarget,
  type PassResult,
  type PassSource,
  type PlanScope,
  reconcile,
  reconcileAddresses,
} from './reconcile.js';
import { nextPassIn, PassSchedule } from './schedule.js';
import { serverCounts, type UpstreamOverview, type UpstreamStatus, upstreamStatus } from './status.js';
import { leavesStateUncertain, UpstreamMemory } from './upstream-memory.js';
import {
  type PageQuery,
  type ServerPage,
  serverPage,
  type UpstreamView,
  type UpstreamViewInput,
  upstreamView,
} from './view.js';

/**
 * Keeps one upstream of one NGINX in sync with etcd; it waits for no other upstream.
 *
 * A change in etcd takes the fast path: the changed addresses are planned against what is known of NGINX, and the calls
 * are sent at once. A full pass reads the group and compares everything: it proves what the fast path has done, and is the
 * only thing that repairs and that finds a drain to be over. Any doubt leads to a full pass.
 */
export class UpstreamWorker implements PassSource {
  readonly ref: UpstreamRef;
  readonly #nginx: NginxConnection;
  readonly #deps: WatcherDeps;
  readonly #passEnded: (services: readonly string[]) => void;
  readonly #report: PassReport;
  readonly #guard: GuardTracker;
  readonly #memory = new UpstreamMemory();
  readonly #schedule = new PassSchedule();
  readonly #wakeup = new Wakeup();
  #services: readonly string[];
  /** The addresses that have changed in etcd since they were last planned. */
  readonly #changed = new Set<Address>();
  readonly #fastPasses = new FastPasses();
  readonly #propagation = new PropagationClock();
  #version = 0;
  /** What NGINX has; undefined until the group has been read. */
  #servers: KnownServers | undefined;
  /** Whether `#servers` is what NGINX has as far as anybody can tell: the fast path goes by it. */
  #isKnown = false;
  /** Another number after each reload: a pass that spans two proves nothing of the new NGINX. */
  #epoch = 0;
  #drains = new Map<Address, DrainClock>();
  /** The drain requests that the last full pass found done: the newest revision for each address. */
  #drained = new Map<Address, number>();
  #inSync = false;
  #inSyncAt: number | undefined;
  /** The revision of etcd that the last full pass was planned for, and that of the last which found NGINX in sync. */
  #plannedRevision = 0;
  #inSyncRevision: number | undefined;
  #lastPassAt: number | undefined;
  #errors: readonly string[] = [];

  /** @param passEnded Called after each pass with the services that feed the upstream. */
  constructor(
    ref: UpstreamRef,
    services: readonly string[],
    nginx: NginxConnection,
    deps: WatcherDeps,
    passEnded: (services: readonly string[]) => void = () => {},
  ) {
    this.ref = ref;
    this.#services = services;
    this.#nginx = nginx;
    this.#deps = deps;
    this.#passEnded = passEnded;
    this.#report = new PassReport(nginx.name, ref, deps, (address) => this.#serviceOf(address));
    this.#guard = new GuardTracker(deps, this.#report);
  }

  // --- what its controller tells and asks -------------------------------------------------------------------------

  get services(): readonly string[] {
    return this.#services;
  }

  /** When NGINX was last seen to be in sync, by the monotonic clock. */
  get inSyncAt(): number | undefined {
    return this.#inSyncAt;
  }

  /** How many servers the guard holds. */
  get heldCount(): number {
    return this.#guard.held.size;
  }

  /** Whether the request of this revision to drain the address is done here. */
  isDrained(address: Address, revision: number): boolean {
    return (this.#drained.get(address) ?? 0) >= revision;
  }

  /** A full pass is wanted at once. */
  requestPass(): void {
    this.#version++;
    this.#schedule.request();
    this.#wakeup.wake();
  }

  /** These addresses have changed in etcd. */
  registrationsChanged(addresses: ReadonlySet<Address>): void {
    this.#guard.registrationsChanged(addresses, this.#desired);
    for (const address of addresses) this.#changed.add(address);
    this.#propagation.changed(addresses, this.#deps.clock());
    if (!this.#isKnown) this.#schedule.request();
    this.#version++;
    this.#wakeup.wake();
  }

  /** Other services feed the upstream, or the rules for what is registered are others. */
  registrationsReplaced(services: readonly string[] = this.#services): void {
    this.#services = services;
    this.#guard.registrationsReplaced(this.#desired);
    this.requestPass();
  }

  /** Another NGINX answers, or the same reloaded: nothing that was known of it counts. */
  reset(): void {
    this.#memory.forget();
    this.#epoch++;
    this.#isKnown = false;
    this.#inSync = false;
    this.#inSyncAt = undefined;
    this.#drained.clear();
    this.#report.clearAll();
    this.requestPass();
  }

  /** NGINX does not answer: how many servers the upstream has is not known, and no longer shown in the metrics. */
  forgetCounts(): void {
    this.#report.forgetServers();
  }

  /** An operator ends the guard's holds. */
  unhold(): void {
    this.#guard.unhold();
    this.requestPass();
  }

  status(): UpstreamStatus {
    return upstreamStatus({
      ref: this.ref,
      services: this.#services,
      servers: this.#servers,
      drains: this.#drains,
      held: this.#guard.held,
      inSync: this.#inSync,
      lastPassAt: this.#lastPassAt,
      errors: this.#errors,
      toWallTime: this.#deps.toWallTime,
    });
  }

  overview(): UpstreamOverview {
    return { ...this.ref, inSync: this.#inSync, servers: this.#servers?.size ?? 0 };
  }

  published(): PublishedUpstream {
    return publishedUpstream(this.#publishedInput);
  }

  /** @param rows How many servers are shown. */
  view(rows: number): UpstreamView {
    return upstreamView(this.#viewInput, this.#servers?.unmanaged ?? 0, rows);
  }

  serverPage(query: PageQuery): ServerPage {
    return serverPage(this.#viewInput, query);
  }

  get #viewInput(): UpstreamViewInput {
    return {
      ...this.#publishedInput,
      isReachable: this.#nginx.isReachable,
      goneCause: (address) => this.#goneCause(address),
    };
  }

  get #publishedInput(): PublishedUpstreamInput {
    const { health, options, toWallTime } = this.#deps;
    return {
      ref: this.ref,
      services: this.#services,
      servers: this.#servers,
      desired: this.#desired,
      drains: this.#drains,
      drainTimeout: drainTimeoutOf(this.ref, options()),
      held: this.#guard.held,
      inSync: this.#inSync,
      errors: this.#errors,
      zoneFull: this.#memory.zoneFull,
      probeError: (address) => health?.error(this.#services, address),
      toWallTime,
    };
  }

  // --- the loop ---------------------------------------------------------------------------------------------------

  /** Runs until aborted; lets the calls under way end. Rejects for defects alone. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#step(signal);
    } finally {
      await this.#fastPasses.ended();
      this.#report.forget();
    }
  }

  /** Begins the pass that is due, or waits for one. */
  async #step(signal: AbortSignal): Promise<void> {
    this.#fastPasses.throwDefect();
    const { identity } = this.#nginx;
    const wait = this.#schedule.wait(this.#deps.clock(), this.#timing);
    if (identity && wait === 0) {
      // What is read while calls are under way is not what NGINX has after them.
      await this.#fastPasses.ended();
      await this.#passOverAll(identity, signal);
      return;
    }
    const ready = identity && this.#isKnown ? this.#fastPasses.begin(this.#changed) : new Set<Address>();
    if (identity && this.#servers && ready.size > 0) {
      const pass = this.#passOverAddresses(ready, this.#servers, identity, signal);
      this.#fastPasses.add(pass, ready, () => this.#wakeup.wake());
    } else {
      await this.#wakeup.wait(identity ? Math.min(wait, this.#timing.resync) : this.#timing.resync, signal);
    }
  }

  /** One full pass, of which nothing is remembered. Rejects where NGINX does not answer or does not show the group. */
  async passOnce({ dryRun }: { readonly dryRun: boolean }, signal: AbortSignal): Promise<PassResult> {
    const { identity } = this.#nginx;
    if (!identity) throw new NginxError('UNREACHABLE', 'NGINX does not answer');
    return reconcile(this.#target(identity), this, { dryRun }, signal);
  }

  async #passOverAll(identity: NginxIdentity, signal: AbortSignal): Promise<void> {
    const epoch = this.#epoch;
    this.#schedule.begin(this.#deps.clock());
    this.#changed.clear();
    try {
      const result = await reconcile(this.#target(identity), this, { dryRun: false }, signal);
      this.#recordPass({ ...result, stale: result.stale || epoch !== this.#epoch });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof NginxError)) throw error;
      this.#recordFailedRead(error);
    }
    this.#passEnded(this.#services);
  }

  async #passOverAddresses(
    addresses: ReadonlySet<Address>,
    servers: KnownServers,
    identity: NginxIdentity,
    signal: AbortSignal,
  ): Promise<void> {
    const epoch = this.#epoch;
    const result = await reconcileAddresses(this.#target(identity), this, servers, addresses, signal);
    this.#recordAddresses(addresses, { ...result, stale: result.stale || epoch !== this.#epoch });
    this.#passEnded(this.#services);
  }

  // --- what a pass is made from -----------------------------------------------------------------------------------

  get version(): number {
    return this.#version;
  }

  plan(servers: KnownServers, { only, countersAreFresh }: PlanScope): Plan {
    const { clock, options, health, registrations } = this.#deps;
    const desired = this.#desired;
    if (only) this.#guard.advance();
    else {
      this.#plannedRevision = registrations()?.revision ?? 0;
      this.#guard.observe(servers.byAddress, desired);
    }
    return plan({
      kind: this.ref.kind,
      desired,
      actual: servers.byAddress,
      ...(only ? { only } : {}),
      countersAreFresh,
      health: health?.lookup(this.#services),
      probeError: (address) => health?.error(this.#services, address),
      goneCause: (address) => this.#goneCause(address),
      inSyncRevision: this.#inSyncRevision,
      held: this.#guard.held,
      graced: this.#guard.graced,
      drains: this.#drains,
      limits: { timeout: drainTimeoutOf(this.ref, options()), settle: this.#timing.settle },
      immutable: this.#memory.immutable,
      zoneFull: this.#memory.zoneFull,
      now: clock(),
    });
  }

  isRejected(action: Action): boolean {
    return this.#memory.isRejected(action, this.#deps.clock());
  }

  get #desired(): DesiredServers {
    const registrations = this.#deps.registrations();
    return registrations ? desiredServers(registrations, this.#services) : new Map();
  }

  #goneCause(address: Address): Cause | undefined {
    const causes = this.#services.map((service) => this.#deps.goneCause({ service, address }));
    return causes.find((cause) => cause !== undefined);
  }

  /** The service that the server belongs to: the one that registers it or did so last, where that is known. */
  #serviceOf(address: Address): string | undefined {
    const [first, ...others] = this.#services;
    if (others.length === 0) return first;
    const { registrations, goneCause } = this.#deps;
    return (
      this.#services.find((service) => registrations()?.get(service).has(address)) ??
      this.#services.find((service) => goneCause({ service, address }) !== undefined)
    );
  }

  #target(identity: NginxIdentity): NginxTarget {
    const { api, semaphore } = this.#nginx;
    return { api, semaphore, ref: this.ref, identity };
  }

  get #timing() {
    return this.#deps.options().timing;
  }

  // --- what is recorded of a pass ---------------------------------------------------------------------------------

  #recordPass(result: PassResult): void {
    const { plan, outcomes, stale, servers } = result;
    const now = this.#deps.clock();
    this.#report.clear('upstream-unreadable');
    this.#lastPassAt = now;
    this.#servers = servers;
    this.#drains = new Map(plan.drains);
    this.#drained = new Map(plan.drained);
    this.#isKnown = true;
    this.#recordOutcomes(result);
    this.#memory.recordPass(result, now, this.#timing.resync);
    this.#inSync = plan.actions.length === 0 && plan.deferred.length === 0 && !stale;
    if (this.#inSync) {
      this.#inSyncAt = now;
      this.#inSyncRevision = this.#plannedRevision;
      this.#report.clearAll();
    }
    this.#report.deferred(plan.deferred);
    this.#report.pass(this.#errors.length > 0 ? 'error' : 'ok');
    this.#report.servers(serverCounts(servers, this.#drains, this.#guard.held));
    this.#report.outOfSync(outOfSync(result).size);
    this.#reportOldestDrain();
    if (this.#errors.length === 0) this.#report.passed(this.#deps.toWallTime(now));
    if (!stale) this.#propagation.settled();
    this.#scheduleNext(outcomes.some(({ error }) => !error));
  }

  #recordAddresses(addresses: ReadonlySet<Address>, result: PassResult): void {
    const { plan, servers, stale } = result;
    const now = this.#deps.clock();
    for (const address of addresses) {
      const clock = plan.drains.get(address);
      if (clock) this.#drains.set(address, clock);
      else this.#drains.delete(address);
      // Only a full pass finds a drain done; that it is not asked for any more shows here.
      if (!plan.drained.has(address)) this.#drained.delete(address);
    }
    this.#recordOutcomes(result);
    this.#reportOldestDrain();
    if (!stale && this.#isKnown) this.#propagation.settled(addresses);
    this.#memory.recordAddresses(result, now, this.#timing.resync);
    if (plan.actions.length > 0 || plan.deferred.length > 0) this.#inSync = false;
    if (stale || this.#memory.failures > 0) this.#scheduleNext(false);
    else if (this.#isUnproven(addresses, plan)) this.#schedule.prove(servers.size, now, this.#timing);
  }

  /** Whether there is anything for a full pass to prove, or to find: a drain that is over, a server that is dead. */
  #isUnproven(addresses: ReadonlySet<Address>, { actions, deferred }: Plan): boolean {
    if (actions.length > 0 || deferred.length > 0) return true;
    const desired = this.#desired;
    return [...addresses].some((address) => ['drain', undefined].includes(desired.get(address)?.intent));
  }

  #recordOutcomes({ outcomes, stale, unknownIds }: PassResult): void {
    const wasFull = this.#memory.zoneFull;
    const failed: string[] = [];
    for (const outcome of outcomes) {
      this.#report.outcome(outcome);
      const { action, error } = outcome;
      if (!error) {
        this.#reportPropagation(action.address);
        continue;
      }
      failed.push(`${action.type} ${action.address}: ${error.message}`);
      if (leavesStateUncertain(error)) this.#isKnown = false;
      if (error.status === undefined) this.#nginx.recheck();
      // The plan is another one now: what was to stay until the new servers are there has to make room for them.
      if (error.code === 'UpstreamOutOfMemory' && !wasFull) this.requestPass();
    }
    this.#errors = failed;
    if (stale || unknownIds) this.#isKnown = false;
    if (stale) this.#nginx.recheck();
  }

  #reportPropagation(address: Address): void {
    const took = this.#propagation.answered(address, this.#deps.clock());
    if (took !== undefined) this.#report.propagated(took);
  }

  #reportOldestDrain(): void {
    const since = [...this.#drains.values()].map((drain) => drain.since);
    const oldest = since.length > 0 ? Math.min(...since) : undefined;
    this.#report.oldestDrain(oldest === undefined ? undefined : this.#deps.toWallTime(oldest));
  }

  #recordFailedRead(error: NginxError): void {
    this.#memory.recordFailedRead();
    this.#isKnown = false;
    this.#inSync = false;
    this.#errors = [error.message];
    this.#report.pass('error');
    // An NGINX that does not answer is reported once by its connection, not for each of its upstreams.
    if (error.status !== undefined) this.#report.unreadable(error);
    this.#nginx.recheck();
    this.#scheduleNext(false);
  }

  /** @param verify Something was done, and the next pass is to prove it. */
  #scheduleNext(verify: boolean): void {
    const { clock, options } = this.#deps;
    const now = clock();
    const wait = nextPassIn(
      {
        now,
        verify,
        failures: this.#memory.failures,
        drains: this.#drains.values(),
        guardEnd: this.#guard.nextEnd,
        verifyAt: this.#memory.verifyAt(now),
        drainTimeout: drainTimeoutOf(this.ref, options()),
        servers: this.#servers?.size ?? 0,
      },
      this.#timing,
    );
    this.#schedule.next(wait, now);
  }
}

/** The addresses at which NGINX is not as etcd wants it after a full pass. */
function outOfSync({ plan, outcomes }: PassResult): ReadonlySet<Address> {
  const addresses = new Set([...plan.actions.map(({ address }) => address), ...plan.deferred]);
  for (const { action, error } of outcomes) if (!error) addresses.delete(action.address);
  return addresses;
}
