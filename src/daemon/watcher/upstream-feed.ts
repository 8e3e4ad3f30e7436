import type { Address } from '../../core/address.js';
import type { Cause } from '../../core/cause.js';
import { type DesiredServers, desiredServers } from '../../core/desired.js';
import type { HealthLookup } from '../../core/health.js';
import type { WatcherDeps } from './deps.js';

type FeedDeps = Pick<WatcherDeps, 'registrations' | 'goneCause' | 'vanishedSince' | 'health'>;

/** What feeds one upstream: the services that are mapped to it, and what etcd and the probes say of their instances. */
export class UpstreamFeed {
  readonly #deps: FeedDeps;
  #services: readonly string[];

  constructor(services: readonly string[], deps: FeedDeps) {
    this.#services = services;
    this.#deps = deps;
  }

  get services(): readonly string[] {
    return this.#services;
  }

  /** Other services feed the upstream. */
  replaceServices(services: readonly string[]): void {
    this.#services = services;
  }

  /** What NGINX should have; nothing until etcd has been read. */
  get desired(): DesiredServers {
    const registrations = this.#deps.registrations();
    return registrations ? desiredServers(registrations, this.#services) : new Map();
  }

  /** The revision of etcd that `desired` is of; 0 until etcd has been read. */
  get revision(): number {
    return this.#deps.registrations()?.revision ?? 0;
  }

  /** What the watcher's probes say; undefined where there are none. */
  get health(): HealthLookup | undefined {
    return this.#deps.health?.lookup(this.#services);
  }

  /** Why the watcher's last probe of the address failed; undefined where it did not. */
  probeError(address: Address): string | undefined {
    return this.#deps.health?.error(this.#services, address);
  }

  /** Why the instance is gone from etcd; undefined where that is not known. */
  goneCause(address: Address): Cause | undefined {
    const causes = this.#services.map((service) => this.#deps.goneCause({ service, address }));
    return causes.find((cause) => cause !== undefined);
  }

  /** The addresses that vanished from etcd since then, in ms by the monotonic clock, without being asked to drain. */
  vanishedSince(since: number): readonly Address[] {
    return this.#services.flatMap((service) =>
      this.#deps.vanishedSince(service, since).map(({ address }) => address),
    );
  }

  /** The service that the server belongs to: the one that registers it or did so last, where that is known. */
  serviceOf(address: Address): string | undefined {
    const [first, ...others] = this.#services;
    if (others.length === 0) return first;
    const { registrations, goneCause } = this.#deps;
    return (
      this.#services.find((service) => registrations()?.get(service).has(address)) ??
      this.#services.find((service) => goneCause({ service, address }) !== undefined)
    );
  }
}
