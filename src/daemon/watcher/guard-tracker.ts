import type { Address } from '../../core/address.js';
import type { Cause } from '../../core/cause.js';
import type { DesiredServers } from '../../core/desired.js';
import { Guard, type GuardChange } from '../../core/guard.js';
import { type ActualServers, isOut } from '../../core/plan.js';
import type { WatcherDeps } from './deps.js';
import type { PassReport } from './pass-report.js';
import type { UpstreamFeed } from './upstream-feed.js';

type GuardDeps = Pick<WatcherDeps, 'clock' | 'options' | 'registrations'>;

/** The guard of one upstream in one NGINX: tells it what changes in etcd, and logs what it holds of what NGINX has. */
export class GuardTracker {
  readonly #deps: GuardDeps;
  readonly #report: Pick<PassReport, 'held' | 'unheld'>;
  /** Undefined until the group has been read once. */
  #guard: Guard | undefined;
  /** What NGINX has: nothing else can be kept in it. */
  #actual: ActualServers = new Map();

  constructor(deps: GuardDeps, report: Pick<PassReport, 'held' | 'unheld'>) {
    this.#deps = deps;
    this.#report = report;
  }

  /** What is held, each with the end of its hold, by the monotonic clock. It may be gone from NGINX. */
  get held(): ReadonlyMap<Address, number> {
    return this.#guard?.held ?? new Map();
  }

  /** What vanished so recently that it is left alone unless it is dead. */
  get graced(): Pick<ReadonlySet<Address>, 'has'> {
    const { clock, options } = this.#deps;
    const now = clock();
    return { has: (address) => this.#guard?.isInGrace(address, options().guard, now) ?? false };
  }

  /** When it must be asked again, by the monotonic clock; undefined where nothing waits. */
  get nextEnd(): number | undefined {
    return this.#guard?.nextEnd(this.#deps.options().guard, this.#deps.clock());
  }

  /**
   * The group has been read. The first time, its servers stand for what was registered before, and so does what vanished
   * lately: another watcher may be about to add it.
   */
  observe(actual: ActualServers, feed: Pick<UpstreamFeed, 'desired' | 'vanishedSince'>): void {
    this.#actual = actual;
    if (this.#guard) {
      this.advance();
      return;
    }
    const { clock, options } = this.#deps;
    const vanished = feed.vanishedSince(clock() - options().guard.window);
    const servers = [...actual.values()].flat();
    const addresses = (out: boolean) =>
      servers.filter((server) => isOut(server) === out).map(({ address }) => address);
    this.#guard = new Guard([...vanished, ...addresses(false)], addresses(true));
    this.registrationsReplaced(feed.desired);
  }

  /** Ends the holds whose time is over. */
  advance(): void {
    this.#step([]);
  }

  /** These addresses changed in etcd. It is told of every change, lest a drain and the deletion after it look like a loss. */
  registrationsChanged(addresses: Iterable<Address>, desired: DesiredServers): void {
    if (this.#guard) this.#step([...addresses].map((address) => [address, desired.get(address)?.intent]));
  }

  /** Anything may be registered now. */
  registrationsReplaced(desired: DesiredServers): void {
    if (!this.#guard) return;
    const addresses = new Set(this.#guard.members);
    for (const { address } of desired.values()) addresses.add(address);
    this.registrationsChanged(addresses, desired);
  }

  /** An operator ends every hold. */
  unhold(): void {
    this.#tellUnheld(this.#guard?.unholdAll() ?? [], { kind: 'operator-unhold' });
  }

  #step(changes: readonly GuardChange[]): void {
    const { clock, options } = this.#deps;
    if (!this.#guard) return;
    const { held, unheld } = this.#guard.step(changes, options().guard, clock());
    this.#tellHeld(held);
    if (unheld.length === 0) return;
    const returned = new Set(changes.flatMap(([address, intent]) => (intent === undefined ? [] : [address])));
    const revision = this.#deps.registrations()?.revision ?? 0;
    this.#tellUnheld(
      unheld.filter((address) => returned.has(address)),
      { kind: 'registered', revision },
    );
    this.#tellUnheld(
      unheld.filter((address) => !returned.has(address)),
      { kind: 'guard-hold-over' },
    );
  }

  #tellHeld(addresses: readonly Address[]): void {
    const isThere = (address: Address) => this.#actual.has(address);
    const held = addresses.filter(isThere);
    if (held.length > 0) this.#report.held(held, [...this.held.keys()].filter(isThere).length);
  }

  #tellUnheld(addresses: readonly Address[], cause: Cause): void {
    const unheld = addresses.filter((address) => this.#actual.has(address));
    if (unheld.length > 0) this.#report.unheld(unheld, cause);
  }
}
