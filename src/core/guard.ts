import type { Address } from './address.js';
import type { Intent } from './desired.js';

/** When the guard holds servers that vanished from etcd without asking to drain. */
export interface GuardPolicy {
  /** How long a loss counts as part of one event, in ms; default 60 s. */
  readonly window: number;
  /** The share of the group's peak that may vanish within the window, 0 to 1; default 0.5. */
  readonly maxLoss: number;
  /** How long a held server stays in NGINX, in ms; default 2 min. */
  readonly hold: number;
  /**
   * How long one that vanished and is not known to be dead is left alone before anything is done, in ms; default 10 s.
   * Leases of one moment end over a third of their TTL: until then a mass loss does not show.
   */
  readonly grace: number;
}

export const DEFAULT_GUARD: GuardPolicy = { window: 60_000, maxLoss: 0.5, hold: 120_000, grace: 10_000 };

/** What the guard remembers of one upstream. */
export interface GuardState {
  /** The addresses registered at the last step, and whether each had asked to drain. */
  readonly members: ReadonlyMap<Address, Intent>;
  /** When each address vanished without asking, by the monotonic clock. */
  readonly vanished: ReadonlyMap<Address, number>;
  /** The sizes the group has had, each with the time it was last that size. */
  readonly sizes: readonly { readonly at: number; readonly size: number }[];
  /** The vanished that are held, each with the time at which it is let go. */
  readonly held: ReadonlyMap<Address, number>;
}

export const EMPTY_GUARD: GuardState = {
  members: new Map(),
  vanished: new Map(),
  sizes: [],
  held: new Map(),
};

/**
 * One step of the guard: compares what is registered now with what was, and decides what to hold. Pure.
 *
 * An instance that asked to drain may go. One that vanished is left alone for `grace` (`inGrace`). Those that vanished
 * within the window are held together when they are more than `maxLoss` of the group's peak in that window, or when
 * nothing would be left that does not drain itself. A held one is let go when it is registered again or its hold is over.
 */
export function guardStep(
  state: GuardState,
  registered: ReadonlyMap<Address, Intent>,
  policy: GuardPolicy,
  now: number,
): GuardState {
  // The size of the last step was true until just now, however long ago that step was.
  const samples = [state.members.size, registered.size].map((size) => ({ at: now, size }));
  const recentSizes = [...state.sizes, ...samples].filter(({ at }) => now - at <= policy.window);
  const vanished = recentlyVanished(state, registered, policy, now);
  const peak = recentSizes.reduce((most, { size }) => Math.max(most, size), 0);
  const stays = [...registered.values()].some((intent) => intent !== 'drain');
  const lost = [...vanished].filter(([, at]) => now - at <= policy.window);
  const empties = !stays && lost.length > 0;
  const tripped = empties || lost.length > policy.maxLoss * peak;
  const held = new Map([...state.held].filter(([address, until]) => !registered.has(address) && now < until));
  if (tripped) {
    for (const [address, at] of lost) {
      if (now < at + policy.hold) held.set(address, at + policy.hold);
    }
  }
  return { members: new Map(registered), vanished, sizes: mergeSizes(recentSizes), held };
}

/**
 * The guard of a watcher that has just begun: what NGINX serves now was registered before. So servers that vanished
 * while no watcher ran are as suspect as any; those already out of rotation were on their way.
 */
export function seedGuard(serving: Iterable<Address>, out: Iterable<Address>): GuardState {
  const members = new Map<Address, Intent>();
  for (const address of out) members.set(address, 'drain');
  for (const address of serving) members.set(address, 'serve');
  return { ...EMPTY_GUARD, members };
}

/** An operator's release: everything held is let go, and what has vanished so far is forgiven. */
export function endHold(state: GuardState): GuardState {
  return { ...state, vanished: new Map(), sizes: [], held: new Map() };
}

/** The vanished that are within their grace, and so to be left alone unless they are dead. */
export function inGrace(state: GuardState, policy: GuardPolicy, now: number): ReadonlySet<Address> {
  const fresh = [...state.vanished].filter(([, at]) => now < at + policy.grace);
  return new Set(fresh.map(([address]) => address));
}

/** When the guard must be asked again: the end of the earliest hold or grace; undefined where there is none. */
export function nextHoldEnd(state: GuardState, policy: GuardPolicy, now: number): number | undefined {
  let next = Number.POSITIVE_INFINITY;
  for (const until of state.held.values()) next = Math.min(next, until);
  for (const at of state.vanished.values())
    if (at + policy.grace > now) next = Math.min(next, at + policy.grace);
  return next === Number.POSITIVE_INFINITY ? undefined : next;
}

function recentlyVanished(
  state: GuardState,
  registered: ReadonlyMap<Address, Intent>,
  policy: GuardPolicy,
  now: number,
): ReadonlyMap<Address, number> {
  const vanished = new Map<Address, number>();
  for (const [address, at] of state.vanished) {
    if (!registered.has(address) && now - at <= Math.max(policy.window, policy.grace))
      vanished.set(address, at);
  }
  for (const [address, intent] of state.members) {
    if (!registered.has(address) && intent !== 'drain') vanished.set(address, now);
  }
  return vanished;
}

/** Keeps the latest sample of each size: the peak needs no more. */
function mergeSizes(sizes: GuardState['sizes']): GuardState['sizes'] {
  return [...new Map(sizes.map((sample) => [sample.size, sample])).values()];
}
