import { forEach } from '../../async/for-each.js';
import type { Semaphore } from '../../async/semaphore.js';
import type { Address } from '../../core/address.js';
import type { DesiredServers } from '../../core/desired.js';
import { NginxError } from '../../core/errors.js';
import { type Action, actionKey, type Call, countersNeeded, isOut, type Plan } from '../../core/plan.js';
import type { ActualServer, NginxApi, NginxIdentity } from '../../core/ports.js';
import type { UpstreamRef } from '../../core/upstream.js';
import { KnownServers } from './known-servers.js';

/** One upstream of one NGINX. */
export interface NginxTarget {
  readonly api: NginxApi;
  readonly semaphore: Semaphore;
  readonly ref: UpstreamRef;
  /** Who NGINX was when it was last asked. Ids are used only while it still is. */
  readonly identity: NginxIdentity;
}

/** What a plan is for. */
export interface PlanScope {
  /** These addresses alone; default: all. */
  readonly only?: ReadonlySet<Address>;
  /** Whether the servers have just been read, with their counters. */
  readonly countersAreFresh: boolean;
}

/** What a pass is made from. It is asked again when `version` changes while the pass runs. */
export interface PassSource {
  /** Another number whenever another plan may be right. */
  readonly version: number;
  plan(servers: KnownServers, scope: PlanScope): Plan;
  /** Whether NGINX has rejected the action, and it is too early to try again. */
  isRejected(action: Call): boolean;
}

/** What came of one action. */
export interface Outcome {
  readonly action: Action;
  /** Undefined where NGINX has done it. */
  readonly error?: NginxError;
}

export interface PassResult {
  /** What NGINX has after the pass, as far as its answers say. */
  readonly servers: KnownServers;
  readonly plan: Plan;
  readonly outcomes: readonly Outcome[];
  /**
   * NGINX is not what the plan was made for: it was reloaded, does not say who it is, or somebody else has changed the
   * group. The rest of the plan was left undone.
   */
  readonly stale: boolean;
  /** NGINX has added a server whose id it did not say. */
  readonly unknownIds: boolean;
}

/**
 * How many actions of one pass wait for NGINX at a time, so that a group with a thousand does not make the others wait
 * behind them all. Those by id are done in groups of this size, each after a check that the ids still count.
 */
const CHUNK = 8;

/**
 * Reads what the group has: the counters of its servers only where a plan goes by them. Rejects where it cannot be read.
 * @param desired What etcd wants at the time at which it is asked.
 */
export async function readGroup(
  { api, semaphore, ref }: NginxTarget,
  desired: () => DesiredServers,
  signal: AbortSignal,
): Promise<KnownServers> {
  const countersOf = (servers: readonly ActualServer[]) => countersNeeded(servers, desired());
  return new KnownServers(ref.kind, await semaphore.run(signal, (own) => api.upstream(ref, own, countersOf)));
}

/**
 * A full pass over one upstream of one NGINX that has just been read: plan, act. What goes wrong with single servers is in
 * the outcomes, and holds up no other. Nothing is sent twice: the next pass reads first. With `dryRun` it plans, and changes
 * nothing.
 */
export function reconcile(
  target: NginxTarget,
  source: PassSource,
  servers: KnownServers,
  { dryRun }: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<PassResult> {
  return run(target, source, servers, { countersAreFresh: true }, { dryRun, signal });
}

/**
 * The fast path: a pass over some addresses, by what is known of the servers. It costs what these addresses cost. Rejects
 * for defects alone.
 */
export function reconcileAddresses(
  target: NginxTarget,
  source: PassSource,
  servers: KnownServers,
  only: ReadonlySet<Address>,
  signal: AbortSignal,
): Promise<PassResult> {
  return run(target, source, servers, { only, countersAreFresh: false }, { dryRun: false, signal });
}

async function run(
  target: NginxTarget,
  source: PassSource,
  servers: KnownServers,
  scope: PlanScope,
  { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<PassResult> {
  const pass = new Pass(target, source, servers, scope, signal);
  const stale = !dryRun && !(await pass.act());
  const { plan, outcomes, unknownIds } = pass;
  return { servers, plan, outcomes, stale, unknownIds };
}

/** The plan of one pass, and what has come of it. */
class Pass {
  readonly plan: Plan;
  readonly outcomes: Outcome[] = [];
  unknownIds = false;
  readonly #target: NginxTarget;
  readonly #source: PassSource;
  readonly #servers: KnownServers;
  readonly #scope: PlanScope;
  readonly #signal: AbortSignal;
  /** The version that the plan was made for. */
  readonly #version: number;

  constructor(
    target: NginxTarget,
    source: PassSource,
    servers: KnownServers,
    scope: PlanScope,
    signal: AbortSignal,
  ) {
    this.#target = target;
    this.#source = source;
    this.#servers = servers;
    this.#scope = scope;
    this.#signal = signal;
    this.plan = source.plan(servers, scope);
    this.#version = source.version;
  }

  /** Does what is planned, in its order. Resolves to false where NGINX is not what the plan was made for. */
  async act(): Promise<boolean> {
    const actions = this.plan.actions.filter((action) => !this.#source.isRejected(action));
    for (const phase of phases(actions)) {
      if (this.#signal.aborted) break;
      if (phase.byId && !(await this.#isUnchanged(phase))) return false;
      await forEach(phase.actions, CHUNK, (action) => this.#attempt(action));
    }
    return true;
  }

  /**
   * Where traffic is taken from a server because another goes on serving, somebody else may have taken that other one out.
   * And a reload hands the same ids to other servers: acting on them could remove one that serves. So this is asked last.
   */
  async #isUnchanged({ actions }: Phase): Promise<boolean> {
    const { api, identity } = this.#target;
    const { stillServing } = this.plan;
    try {
      if (stillServing && actions.some(mayTakeTraffic) && !(await this.#serves(stillServing))) return false;
      return sameIdentity(await api.identity(this.#signal), identity);
    } catch (error) {
      if (error instanceof NginxError || this.#signal.aborted) return false;
      throw error;
    }
  }

  async #serves({ id, address }: ActualServer): Promise<boolean> {
    const { api, ref } = this.#target;
    const server = await api.server(ref, id, this.#signal);
    return server.address === address && !isOut(server);
  }

  /** Leaves no outcome where the call never began: the signal was aborted, or the action is no longer right. */
  async #attempt(action: Action): Promise<void> {
    try {
      await this.#target.semaphore.run(this.#signal, async (own) => {
        if (!this.#isStillPlanned(action)) return;
        await this.#perform(action, own);
        this.outcomes.push({ action });
      });
    } catch (error) {
      if (error instanceof NginxError) this.outcomes.push({ action, error });
      else if (!this.#signal.aborted) throw error;
    }
  }

  /**
   * Whether a plan made now would have the action: calls take time, and etcd may say something else since. Otherwise a
   * server that came back meanwhile would be taken out, or the last that serves just as another is wanted.
   */
  #isStillPlanned(action: Action): boolean {
    if (this.#source.version === this.#version) return true;
    const { countersAreFresh } = this.#scope;
    const scope = { only: new Set([action.address]), countersAreFresh };
    const { actions, stillServing } = this.#source.plan(this.#servers, scope);
    if (stillServing && stillServing.id !== this.plan.stillServing?.id) return false;
    return actions.some((planned) => actionKey(planned) === actionKey(action));
  }

  async #perform(action: Action, signal: AbortSignal): Promise<void> {
    const { api, ref } = this.#target;
    if (action.type === 'add') {
      const server = await api.add(ref, action.address, action.parameters, signal);
      if (server) this.#servers.added(server);
      else this.unknownIds = true;
      return;
    }
    if (action.type === 'update') await api.update(ref, action.id, action.changes, signal);
    else if (action.type === 'drain') await api.drain(ref, action.id, signal);
    else await api.remove(ref, action.id, signal);
    this.#servers.done(action);
  }
}

interface Phase {
  readonly byId: boolean;
  readonly actions: readonly Action[];
}

/** Adds all at once, then what goes by id, in the plan's order: capacity comes before it goes. */
function phases(actions: readonly Action[]): readonly Phase[] {
  const adds = actions.filter(({ type }) => type === 'add');
  const found: Phase[] = adds.length > 0 ? [{ byId: false, actions: adds }] : [];
  for (const type of ['update', 'drain', 'remove'] as const) {
    const ofType = actions.filter((action) => action.type === type);
    for (let i = 0; i < ofType.length; i += CHUNK) {
      found.push({ byId: true, actions: ofType.slice(i, i + CHUNK) });
    }
  }
  return found;
}

function mayTakeTraffic(action: Action): boolean {
  return action.type === 'update' ? action.changes.down === true : action.type !== 'add';
}

/** Whether NGINX is still the same: neither reloaded nor restarted. */
export function sameIdentity(a: NginxIdentity, b: NginxIdentity): boolean {
  return a.generation === b.generation && a.pid === b.pid && a.loadTimestamp === b.loadTimestamp;
}
