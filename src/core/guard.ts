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
   * How long a server that vanished and is not known to be dead is left alone before anything is done, in ms; default
   * 10 s. Leases of one moment end over a third of their TTL: until then a mass loss does not show.
   */
  readonly grace: number;
}

export const DEFAULT_GUARD: GuardPolicy = { window: 60_000, maxLoss: 0.5, hold: 120_000, grace: 10_000 };

/** What etcd says of one address now; undefined where it is no longer registered. */
export type GuardChange = readonly [address: Address, intent: Intent | undefined];

/** What one step has changed in what is held. */
interface GuardStep {
  readonly held: readonly Address[];
  readonly unheld: readonly Address[];
}

/**
 * The guard of one upstream. It is told of each change in etcd, and of the time: a step costs what has changed, however
 * many servers there are.
 *
 * An instance that asked to drain may go. One that vanished is left alone for `grace`. Those that vanished within the
 * window are held together when they are more than `maxLoss` of the group's peak in that window, or when nothing would be
 * left that does not drain itself. A held server is let go when it is registered again or its hold is over.
 *
 * Times are milliseconds by the monotonic clock.
 */
export class Guard {
  /** The addresses that are registered, and what each is to do. */
  readonly #members = new Map<Address, Intent>();
  /** How many of them have not asked to drain. */
  #staying = 0;
  /** When each address vanished without asking to drain, the earliest first. */
  readonly #vanished = new Map<Address, number>();
  /** The sizes of the group that may be its peak: each is larger and older than the next. */
  #sizes: { readonly at: number; readonly size: number }[] = [];
  /** The vanished that are held, each with the end of its hold. */
  readonly #held = new Map<Address, number>();
  /** No hold ends before this. */
  #firstHoldEnd = Number.POSITIVE_INFINITY;
  /** The policy by which everything lost so far is held; undefined where the last step held nothing. */
  #holding: GuardPolicy | undefined;

  /**
   * The guard of a watcher that has just begun takes what NGINX serves for what was registered before. So servers that
   * vanished while no watcher ran are as suspect as any; those already out of rotation were draining.
   */
  constructor(serving: Iterable<Address> = [], out: Iterable<Address> = []) {
    for (const address of out) this.#set(address, 'drain');
    for (const address of serving) this.#set(address, 'serve');
  }

  /** What is held, each with the time at which its hold ends. */
  get held(): ReadonlyMap<Address, number> {
    return this.#held;
  }

  /** The addresses that it takes for registered. */
  get members(): Iterable<Address> {
    return this.#members.keys();
  }

  /** Whether the address vanished so recently that it is left alone, unless it is dead. */
  isInGrace(address: Address, policy: GuardPolicy, now: number): boolean {
    const at = this.#vanished.get(address);
    return at !== undefined && now < at + policy.grace;
  }

  /** When the guard must be asked again: the end of the earliest hold or grace; undefined where there is none. */
  nextEnd(policy: GuardPolicy, now: number): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const end of this.#held.values()) next = Math.min(next, end);
    for (const at of this.#vanished.values()) {
      if (at + policy.grace > now) next = Math.min(next, at + policy.grace);
    }
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** Takes in what has changed in etcd since the step before, and decides what to hold. */
  step(changes: Iterable<GuardChange>, policy: GuardPolicy, now: number): GuardStep {
    const unheld = this.#endHolds(now);
    const gone: Address[] = [];
    // The size of the last step was true until just now, however long ago that step was.
    this.#noteSize(now);
    for (const [address, intent] of changes) {
      if (intent === undefined) {
        this.#vanish(address, now);
        gone.push(address);
      } else {
        this.#set(address, intent);
        this.#vanished.delete(address);
        if (this.#held.delete(address)) unheld.push(address);
      }
    }
    this.#noteSize(now);
    this.#forget(policy, now);
    if (!this.#isLossTooLarge(policy, now)) {
      this.#holding = undefined;
      return { held: [], unheld };
    }
    const held = this.#hold(this.#holding === policy ? gone : this.#vanished.keys(), policy, now);
    this.#holding = policy;
    return { held, unheld };
  }

  /** An operator ends every hold, and what has vanished so far does not count any more. Returns what was held. */
  unholdAll(): readonly Address[] {
    const unheld = [...this.#held.keys()];
    this.#held.clear();
    this.#vanished.clear();
    this.#sizes = [];
    return unheld;
  }

  #set(address: Address, intent: Intent): void {
    this.#drop(address);
    this.#members.set(address, intent);
    if (intent !== 'drain') this.#staying++;
  }

  /** Tells what the address was to do. */
  #drop(address: Address): Intent | undefined {
    const intent = this.#members.get(address);
    this.#members.delete(address);
    if (intent !== undefined && intent !== 'drain') this.#staying--;
    return intent;
  }

  /** It is lost, unless it asked to drain. */
  #vanish(address: Address, now: number): void {
    const intent = this.#drop(address);
    if (intent !== undefined && intent !== 'drain') this.#vanished.set(address, now);
  }

  /** Sizes that are no larger than this newer one cannot be the peak any more. */
  #noteSize(now: number): void {
    const size = this.#members.size;
    while ((this.#sizes.at(-1)?.size ?? Number.POSITIVE_INFINITY) <= size) this.#sizes.pop();
    this.#sizes.push({ at: now, size });
  }

  /** Forgets the sizes and the losses that do not count any more. */
  #forget(policy: GuardPolicy, now: number): void {
    const counts = this.#sizes.findIndex(({ at }) => now - at <= policy.window);
    this.#sizes.splice(0, counts);
    for (const [address, at] of this.#vanished) {
      if (now - at <= Math.max(policy.window, policy.grace)) break;
      this.#vanished.delete(address);
    }
  }

  #isLossTooLarge(policy: GuardPolicy, now: number): boolean {
    let lost = this.#vanished.size;
    for (const at of this.#vanished.values()) {
      if (now - at <= policy.window) break;
      lost--;
    }
    const peak = this.#sizes[0]?.size ?? 0;
    return lost > 0 && (this.#staying === 0 || lost > policy.maxLoss * peak);
  }

  /** Holds those of the addresses that vanished within the window. Tells which were not held before. */
  #hold(addresses: Iterable<Address>, policy: GuardPolicy, now: number): readonly Address[] {
    const held: Address[] = [];
    for (const address of addresses) {
      const at = this.#vanished.get(address);
      if (at === undefined || now - at > policy.window || now >= at + policy.hold) continue;
      if (!this.#held.has(address)) held.push(address);
      this.#held.set(address, at + policy.hold);
      this.#firstHoldEnd = Math.min(this.#firstHoldEnd, at + policy.hold);
    }
    return held;
  }

  /** Ends the holds whose time is over. */
  #endHolds(now: number): Address[] {
    if (now < this.#firstHoldEnd) return [];
    const over = [...this.#held].filter(([, end]) => now >= end).map(([address]) => address);
    for (const address of over) this.#held.delete(address);
    this.#firstHoldEnd = Number.POSITIVE_INFINITY;
    for (const end of this.#held.values()) this.#firstHoldEnd = Math.min(this.#firstHoldEnd, end);
    return over;
  }
}
