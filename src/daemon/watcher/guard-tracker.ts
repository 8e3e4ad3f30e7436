import type { Address } from '../../core/address.js';
import type { DesiredServer } from '../../core/desired.js';
import {
  EMPTY_GUARD,
  endHold,
  type GuardPolicy,
  type GuardState,
  guardStep,
  inGrace,
  nextHoldEnd,
  seedGuard,
} from '../../core/guard.js';
import { isOut } from '../../core/plan.js';
import type { ActualServer, Clock } from '../../core/ports.js';
import type { PassReport } from './pass-report.js';

export interface GuardContext {
  readonly report: Pick<PassReport, 'held' | 'released'>;
  readonly clock: Clock;
  readonly policy: () => GuardPolicy;
  /** What etcd wants of the group now. */
  readonly desired: () => ReadonlyMap<Address, DesiredServer>;
}

/** The guard of one upstream group: what it remembers from step to step, and what it says when it holds and lets go. */
export class GuardTracker {
  readonly #context: GuardContext;
  #state: GuardState | undefined;
  /** What NGINX had when last looked at: nothing else can be kept in it. */
  #present: ReadonlySet<Address> = new Set();

  constructor(context: GuardContext) {
    this.#context = context;
  }

  /** What is held, each with the time at which it is let go, by the monotonic clock. It may be gone from NGINX. */
  get held(): ReadonlyMap<Address, number> {
    return (this.#state ?? EMPTY_GUARD).held;
  }

  /** What vanished so recently that it is left alone unless it is dead. */
  get graced(): ReadonlySet<Address> {
    const { policy, clock } = this.#context;
    return inGrace(this.#state ?? EMPTY_GUARD, policy(), clock());
  }

  /** When it must be asked again, by the monotonic clock; undefined where nothing waits. */
  get nextRelease(): number | undefined {
    const { policy, clock } = this.#context;
    return this.#state && nextHoldEnd(this.#state, policy(), clock());
  }

  /** etcd changed. Every change is looked at, lest a drain and the deletion after it look like a loss. */
  registrationsChanged(): void {
    if (this.#state) this.#step(this.#state);
  }

  /** Looks at etcd with these servers in NGINX; the first time they stand for what was registered before. */
  look(servers: readonly ActualServer[]): void {
    this.#present = new Set(servers.map(({ address }) => address));
    this.#step(this.#state ?? newGuard(servers));
  }

  /** An operator lets go what is held. */
  unhold(): void {
    if (this.#state) this.#become(endHold(this.#state));
  }

  #step(state: GuardState): void {
    const { desired, policy, clock } = this.#context;
    this.#become(stepGuard(state, desired(), policy(), clock()));
  }

  #become(next: GuardState): void {
    const before = this.held;
    this.#state = next;
    const kept = [...next.held.keys()].filter((address) => this.#present.has(address));
    const added = kept.filter((address) => !before.has(address));
    const gone = [...before.keys()].filter(
      (address) => this.#present.has(address) && !next.held.has(address),
    );
    if (added.length > 0) this.#context.report.held({ addresses: added }, kept.length);
    if (gone.length > 0) this.#context.report.released(gone);
  }
}

/** What the guard makes of etcd now. */
export function stepGuard(
  state: GuardState,
  desired: ReadonlyMap<Address, DesiredServer>,
  policy: GuardPolicy,
  now: number,
): GuardState {
  const registered = new Map([...desired].map(([address, { intent }]) => [address, intent]));
  return guardStep(state, registered, policy, now);
}

/** The guard of a watcher that sees the group for the first time. */
export function newGuard(servers: readonly ActualServer[]): GuardState {
  const addresses = (out: boolean) =>
    servers.filter((server) => isOut(server) === out).map(({ address }) => address);
  return seedGuard(addresses(false), addresses(true));
}
