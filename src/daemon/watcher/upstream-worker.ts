import { Wakeup } from '../../async/wakeup.js';
import type { Address } from '../../core/address.js';
import { NginxError } from '../../core/errors.js';
import type { Plan } from '../../core/plan.js';
import type { NginxIdentity } from '../../core/ports.js';
import type { UpstreamRef } from '../../core/upstream.js';
import type { WatcherDeps } from './deps.js';
import { FastPasses } from './fast-passes.js';
import { GroupRead } from './group-read.js';
import { GuardTracker } from './guard-tracker.js';
import type { KnownServers } from './known-servers.js';
import type { NginxConnection } from './nginx-connection.js';
import { drainTimeoutOf } from './options.js';
import { PassRecorder } from './pass-recorder.js';
import { PassReport } from './pass-report.js';
import { type NginxTarget, type PassResult, readGroup, reconcile, reconcileAddresses } from './reconcile.js';
import { nextPassIn, PassSchedule } from './schedule.js';
import { ShownUpstream } from './shown-upstream.js';
import { findsDifference, SyncState } from './sync-state.js';
import type { UpstreamContext } from './upstream-context.js';
import { UpstreamFeed } from './upstream-feed.js';
import { UpstreamMemory } from './upstream-memory.js';
import { UpstreamPlanner } from './upstream-planner.js';

/** A read of the group, and who NGINX was when it began. */
interface PendingRead {
  readonly identity: NginxIdentity;
  readonly epoch: number;
  readonly group: GroupRead;
}

/**
 * Keeps one upstream of one NGINX in sync with etcd; it waits for no other upstream.
 *
 * A change in etcd takes the fast path: the changed addresses are planned against what is known of NGINX, and the calls
 * are sent at once. A full pass reads the group and compares everything: it proves what the fast path has done, and is the
 * only thing that repairs and that finds a drain to be over. Any doubt leads to a full pass.
 *
 * Here is when a pass begins. `reconcile.ts` reads and acts, `UpstreamPlanner` plans, `PassRecorder` records.
 */
export class UpstreamWorker {
  readonly ref: UpstreamRef;
  readonly shown: ShownUpstream;
  readonly #context: UpstreamContext;
  readonly #passEnded: (services: readonly string[]) => void;
  readonly #planner: UpstreamPlanner;
  readonly #recorder: PassRecorder;
  readonly #schedule = new PassSchedule();
  readonly #wakeup = new Wakeup();
  readonly #fastPasses = new FastPasses();
  /** The addresses that have changed in etcd since they were last planned. */
  readonly #changed = new Set<Address>();
  /** The read of the group that is under way, or has just ended. */
  #read: PendingRead | undefined;
  /** Another number after each reload: a pass that spans two proves nothing of the new NGINX. */
  #epoch = 0;

  /** @param passEnded Called after each pass with the services that feed the upstream. */
  constructor(
    ref: UpstreamRef,
    services: readonly string[],
    nginx: NginxConnection,
    deps: WatcherDeps,
    passEnded: (services: readonly string[]) => void = () => {},
  ) {
    const feed = new UpstreamFeed(services, deps);
    const report = new PassReport(nginx.name, ref, deps, (address) => feed.serviceOf(address));
    const guard = new GuardTracker(deps, report);
    this.#context = {
      ref,
      nginx,
      deps,
      feed,
      state: new SyncState(),
      memory: new UpstreamMemory(),
      guard,
      report,
    };
    this.ref = ref;
    this.shown = new ShownUpstream(this.#context);
    this.#passEnded = passEnded;
    this.#planner = new UpstreamPlanner(this.#context);
    this.#recorder = new PassRecorder(this.#context);
  }

  // --- what its controller tells and asks -------------------------------------------------------------------------

  get services(): readonly string[] {
    return this.#context.feed.services;
  }

  /** When NGINX was last seen to be in sync, by the monotonic clock. */
  get inSyncAt(): number | undefined {
    return this.#context.state.inSyncAt;
  }

  /** How many servers the guard holds. */
  get heldCount(): number {
    return this.#context.guard.held.size;
  }

  /** Whether the request of this revision to drain the address is done here. */
  isDrained(address: Address, revision: number): boolean {
    return this.#context.state.isDrained(address, revision);
  }

  /** A full pass is wanted at once. */
  requestPass(): void {
    this.#planner.invalidate();
    this.#schedule.request();
    this.#wakeup.wake();
  }

  /** These addresses have changed in etcd. */
  registrationsChanged(addresses: ReadonlySet<Address>): void {
    const { feed, state, guard } = this.#context;
    guard.registrationsChanged(addresses, feed.desired);
    for (const address of addresses) this.#changed.add(address);
    this.#recorder.registrationsChanged(addresses);
    this.#planner.invalidate();
    if (!state.isKnown) this.#schedule.request();
    this.#wakeup.wake();
  }

  /** Other services feed the upstream, or the rules for what is registered are others. */
  registrationsReplaced(services: readonly string[] = this.services): void {
    const { feed, guard } = this.#context;
    feed.replaceServices(services);
    guard.registrationsReplaced(feed.desired);
    this.requestPass();
  }

  /** Another NGINX answers, or the same reloaded: nothing that was known of it counts. */
  reset(): void {
    const { state, memory, report } = this.#context;
    this.#epoch++;
    state.reset();
    memory.forget();
    report.clearAll();
    this.requestPass();
  }

  /** NGINX does not answer: how many servers the upstream has is not known, and no longer shown in the metrics. */
  forgetCounts(): void {
    this.#context.report.forgetServers();
  }

  /** An operator ends the guard's holds. */
  unhold(): void {
    this.#context.guard.unhold();
    this.requestPass();
  }

  // --- the loop ---------------------------------------------------------------------------------------------------

  /** Runs until aborted; lets the calls under way end. Rejects for defects alone. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) await this.#step(signal);
    } finally {
      await this.#read?.group.ended();
      this.#read = undefined;
      await this.#fastPasses.ended();
      this.#context.report.forget();
    }
  }

  /** Begins what is due, or waits for it. The fast path goes on while the group is read. */
  async #step(signal: AbortSignal): Promise<void> {
    this.#fastPasses.throwDefect();
    const { nginx, state, deps } = this.#context;
    const { identity } = nginx;
    if (this.#read?.group.hasEnded) {
      await this.#passOverAll(this.#read, signal);
      return;
    }
    const { resync } = this.#timing;
    const wait = this.#read ? resync : this.#schedule.wait(deps.clock(), this.#timing);
    if (identity && wait === 0) {
      this.#beginRead(identity, signal);
      return;
    }
    const ready = identity && state.isKnown ? this.#fastPasses.begin(this.#changed) : new Set<Address>();
    if (identity && state.servers && ready.size > 0) {
      const pass = this.#passOverAddresses(ready, state.servers, identity, signal);
      this.#read?.group.fastPassBegins(ready);
      this.#fastPasses.add(pass, ready, () => this.#wakeup.wake());
    } else {
      await this.#wakeup.wait(identity ? Math.min(wait, resync) : resync, signal);
    }
  }

  #beginRead(identity: NginxIdentity, signal: AbortSignal): void {
    this.#schedule.begin(this.#context.deps.clock());
    const servers = this.#readGroup(identity, signal);
    const group = new GroupRead(servers, this.#fastPasses.addresses, () => this.#wakeup.wake());
    this.#read = { identity, epoch: this.#epoch, group };
  }

  /** One full pass, of which nothing is remembered. Rejects where NGINX does not answer or does not show the group. */
  async passOnce({ dryRun }: { readonly dryRun: boolean }, signal: AbortSignal): Promise<PassResult> {
    const { identity } = this.#context.nginx;
    if (!identity) throw new NginxError('UNREACHABLE', 'NGINX does not answer');
    const target = this.#target(identity);
    const servers = await this.#readGroup(identity, signal);
    return reconcile(target, this.#planner, servers, { dryRun }, signal);
  }

  #readGroup(identity: NginxIdentity, signal: AbortSignal): Promise<KnownServers> {
    return readGroup(this.#target(identity), () => this.#context.feed.desired, signal);
  }

  /** The group has been read: plans and acts, while no fast pass is under way. */
  async #passOverAll({ identity, epoch, group }: PendingRead, signal: AbortSignal): Promise<void> {
    const { state } = this.#context;
    this.#read = undefined;
    await this.#fastPasses.ended();
    try {
      const servers = await group.servers(state.servers);
      if (group.called.size > 0 && !state.isKnown) {
        // Neither the read nor what was known before says what is at the addresses that the fast path called for.
        this.#prove(servers.size);
        return;
      }
      this.#changed.clear();
      const result = await reconcile(
        this.#target(identity),
        this.#planner,
        servers,
        { dryRun: false },
        signal,
      );
      const stale = result.stale || epoch !== this.#epoch;
      this.#fullPassEnded({ ...result, plan: withoutAcks(result.plan, group.called), stale });
      if (group.called.size > 0) this.#prove(servers.size);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof NginxError)) throw error;
      this.#readFailed(error);
    }
    this.#passEnded(this.services);
  }

  async #passOverAddresses(
    addresses: ReadonlySet<Address>,
    servers: KnownServers,
    identity: NginxIdentity,
    signal: AbortSignal,
  ): Promise<void> {
    const epoch = this.#epoch;
    const target = this.#target(identity);
    const result = await reconcileAddresses(target, this.#planner, servers, addresses, signal);
    this.#fastPassEnded(addresses, { ...result, stale: result.stale || epoch !== this.#epoch });
    this.#passEnded(this.services);
  }

  #target(identity: NginxIdentity): NginxTarget {
    const { api, semaphore } = this.#context.nginx;
    return { api, semaphore, ref: this.ref, identity };
  }

  get #timing() {
    return this.#context.deps.options().timing;
  }

  // --- what follows from a pass -----------------------------------------------------------------------------------

  #fullPassEnded(result: PassResult): void {
    const wasFull = this.#context.memory.zoneFull;
    this.#recorder.recordPass(result, this.#planner.plannedRevision);
    this.#followUp(result, wasFull);
    this.#scheduleNext(result.outcomes.some(({ error }) => !error));
  }

  #fastPassEnded(addresses: ReadonlySet<Address>, result: PassResult): void {
    const { memory } = this.#context;
    const wasFull = memory.zoneFull;
    this.#recorder.recordAddresses(addresses, result);
    this.#followUp(result, wasFull);
    if (result.stale || memory.failures > 0) this.#scheduleNext(false);
    else if (findsDifference(result) || this.#mayBeOut(addresses)) this.#prove(result.servers.size);
  }

  /** A full pass is to prove what the fast path has done. @param servers How many the group has. */
  #prove(servers: number): void {
    this.#schedule.prove(servers, this.#context.deps.clock(), this.#timing);
  }

  #readFailed(error: NginxError): void {
    this.#recorder.recordFailedRead(error);
    this.#context.nginx.recheck();
    this.#scheduleNext(false);
  }

  #followUp({ outcomes, stale }: PassResult, wasFull: boolean): void {
    if (stale || outcomes.some(({ error }) => error && error.status === undefined))
      this.#context.nginx.recheck();
    // The plan is another one now: what was to stay until the new servers are there has to make room for them.
    if (!wasFull && outcomes.some(({ error }) => error?.code === 'UpstreamOutOfMemory')) this.requestPass();
  }

  /** Whether a full pass may find a drain that is over, or a server that is dead, at these addresses. */
  #mayBeOut(addresses: ReadonlySet<Address>): boolean {
    const { desired } = this.#context.feed;
    return [...addresses].some((address) => ['drain', undefined].includes(desired.get(address)?.intent));
  }

  /** @param verify Something was done, and the next pass is to prove it. */
  #scheduleNext(verify: boolean): void {
    const { ref, deps, state, memory, guard } = this.#context;
    const now = deps.clock();
    const wait = nextPassIn(
      {
        now,
        verify,
        failures: memory.failures,
        drains: state.drains.values(),
        guardEnd: guard.nextEnd,
        verifyAt: memory.verifyAt(now),
        drainTimeout: drainTimeoutOf(ref, deps.options()),
        servers: state.servers?.size ?? 0,
      },
      this.#timing,
    );
    this.#schedule.next(wait, now);
  }
}

/** The plan, which takes no request to drain one of these addresses for done: the read does not prove it. */
function withoutAcks(plan: Plan, addresses: ReadonlySet<Address>): Plan {
  if (addresses.size === 0) return plan;
  return { ...plan, drained: new Map([...plan.drained].filter(([address]) => !addresses.has(address))) };
}
