import type { Semaphore } from '../../async/semaphore.js';
import { NginxError } from '../../core/errors.js';
import { type Action, type Plan, type PlanInput, plan } from '../../core/plan.js';
import type { NginxApi, NginxIdentity, UpstreamState } from '../../core/ports.js';
import type { UpstreamRef } from '../../core/upstream.js';

/** What one pass is made with. */
export interface Pass {
  readonly api: NginxApi;
  readonly gate: Semaphore;
  readonly ref: UpstreamRef;
  /** Who NGINX was when it was last asked. Ids that are read are used only while it still is. */
  readonly identity: NginxIdentity;
  /** What is wanted, now, of the group that was read. */
  readonly wanted: (state: UpstreamState) => PlanInput;
  /** Actions that NGINX has refused and that are not worth another try yet. */
  readonly isRefused: (action: Action) => boolean;
  /** Another number whenever something else may be wanted. */
  readonly version: () => number;
  /** Plan only. */
  readonly dryRun?: boolean;
}

export interface Outcome {
  readonly action: Action;
  /** Undefined where the action was done. */
  readonly error?: NginxError;
}

export interface PassResult {
  readonly state: UpstreamState;
  readonly plan: Plan;
  readonly outcomes: readonly Outcome[];
  /** NGINX was reloaded since the read, or does not say who it is: the rest of the plan was left undone. */
  readonly stale: boolean;
}

/**
 * How many actions of one pass wait for NGINX at a time, so that a group with a thousand does not make the others wait
 * behind them all. Those by id are done in groups of this size, each after a look at whether the ids are still good.
 */
const CHUNK = 8;

/**
 * One pass over one upstream of one NGINX: read, plan, act. Rejects where the group cannot be read; what goes wrong
 * with single servers is in the outcomes, and holds up no other. Nothing is sent twice: the next pass reads first.
 */
export async function reconcile(pass: Pass, signal: AbortSignal): Promise<PassResult> {
  const state = await pass.gate(signal, (own) => pass.api.upstream(pass.ref, own));
  const decided = plan(pass.wanted(state));
  const isCurrent = currency(pass, state);
  const outcomes: Outcome[] = [];
  const actions = pass.dryRun ? [] : decided.actions.filter((action) => !pass.isRefused(action));
  for (const phase of phases(actions)) {
    if (signal.aborted) break;
    if (phase.byId && !(await isSame(pass, signal))) return { state, plan: decided, outcomes, stale: true };
    await inParallel(CHUNK, phase.actions, async (action) => {
      const outcome = await attempt(pass, action, isCurrent, signal);
      if (outcome) outcomes.push(outcome);
    });
  }
  return { state, plan: decided, outcomes, stale: false };
}

/**
 * Whether an action is still what a plan would have: calls take time, and etcd may have changed its mind since. Without
 * this a server that came back meanwhile would be taken out, or the last that serves just as another is wanted.
 */
function currency(pass: Pass, state: UpstreamState): (action: Action) => boolean {
  const first = pass.version();
  let version = first;
  let planned: ReadonlySet<string> = new Set();
  return (action) => {
    const now = pass.version();
    if (now === first) return true;
    if (now !== version) {
      version = now;
      planned = new Set(plan(pass.wanted(state)).actions.map(identify));
    }
    return planned.has(identify(action));
  };
}

function identify(action: Action): string {
  return `${action.type} ${action.address} ${action.type === 'add' ? '' : action.id}`;
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

/** A reload hands the same ids to other servers: acting on them could remove one that serves. */
async function isSame({ api, identity }: Pass, signal: AbortSignal): Promise<boolean> {
  try {
    return sameIdentity(await api.identity(signal), identity);
  } catch (error) {
    if (error instanceof NginxError || signal.aborted) return false;
    throw error;
  }
}

export function sameIdentity(a: NginxIdentity, b: NginxIdentity): boolean {
  return a.generation === b.generation && a.pid === b.pid && a.loadTimestamp === b.loadTimestamp;
}

async function inParallel<T>(
  limit: number,
  items: readonly T[],
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const work = async () => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
}

/** Undefined where the call never began: the signal was aborted, or the action is no longer right. */
async function attempt(
  { api, gate, ref }: Pass,
  action: Action,
  isCurrent: (action: Action) => boolean,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  try {
    return await gate(signal, async (own) => {
      if (!isCurrent(action)) return undefined;
      await perform(api, ref, action, own);
      return { action };
    });
  } catch (error) {
    if (error instanceof NginxError) return { action, error };
    if (signal.aborted) return undefined;
    throw error;
  }
}

function perform(api: NginxApi, ref: UpstreamRef, action: Action, signal: AbortSignal): Promise<void> {
  switch (action.type) {
    case 'add':
      return api.add(ref, action.address, action.parameters, signal);
    case 'update':
      return api.update(ref, action.id, action.changes, signal);
    case 'drain':
      return api.drain(ref, action.id, signal);
    case 'remove':
      return api.remove(ref, action.id, signal);
  }
}
