import type { Networks } from '../../core/address.js';
import { messageOf } from '../../core/errors.js';
import type { Log, Meter, RegistrySnapshot } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import {
  type RegistrationChange,
  type RegistrationRules,
  Registrations,
  type Rejection,
} from '../../core/registrations.js';
import type { WatcherOptions, WatcherPorts } from './options.js';
import { countRegistered } from './service-status.js';

export interface RegistrationTrackerContext {
  readonly options: () => WatcherOptions;
  readonly ownAddresses: WatcherPorts['ownAddresses'];
  readonly log: Log;
  readonly meter: Meter;
}

/** What is taken for a registration, given the load balancer's own addresses. */
export function rulesOf({ allow, limits, nginxHosts }: WatcherOptions, own: Networks): RegistrationRules {
  return { allow, limits, own: [...own, ...nginxHosts] };
}

/** Keeps what is registered by what etcd says and by the rules for it, and says what is not taken. */
export class RegistrationTracker {
  readonly #context: RegistrationTrackerContext;
  #current: Registrations | undefined;
  #view: RegistrySnapshot | undefined;
  #own: Networks = [];

  constructor(context: RegistrationTrackerContext) {
    this.#context = context;
  }

  /** Undefined until etcd has been read. */
  get current(): Registrations | undefined {
    return this.#current;
  }

  /** Takes in what a view brings. Tells which services have changed. */
  take(view: RegistrySnapshot): ReadonlySet<string> {
    this.#view = view;
    this.#current ??= this.#create();
    return this.#say(this.#current.apply(view), this.#current);
  }

  /** Reads every key again, as the rules may be others. Tells which services there are. */
  takeAnew(): ReadonlySet<string> {
    if (!this.#view || !this.#current) return new Set();
    const before = this.#current;
    this.#current = this.#create(before.services);
    const { entries } = this.#view;
    const changed = this.#say(
      this.#current.apply({ entries, changed: new Set(entries.keys()) }),
      this.#current,
    );
    return new Set([...before.services, ...changed]);
  }

  /** Reads this host's addresses. Tells whether they are others than before. */
  async readOwnAddresses(): Promise<boolean> {
    const { ownAddresses, log } = this.#context;
    if (!ownAddresses) return false;
    try {
      const before = this.#own;
      this.#own = await ownAddresses();
      return spelled(before) !== spelled(this.#own);
    } catch (error) {
      const fields = { event: 'own-addresses-unknown', reason: messageOf(error) };
      log.warn(fields, "this host's own addresses cannot be read: going by those known");
      return false;
    }
  }

  /**
   * Forgets services of which nothing is left and whose name nobody needs. Whoever may write keys can make up names
   * without end.
   */
  forget(services: Iterable<string>, isNeeded: (service: string) => boolean): void {
    const { meter } = this.#context;
    for (const service of services) {
      if (this.#isRegistered(service) || isNeeded(service)) continue;
      this.#current?.forget(service);
      if (this.#current?.services.has(service)) continue;
      meter.remove('sidekick_registrations', { service });
      meter.remove('sidekick_registrations_over_limit', { service });
      for (const status of ['healthy', 'unhealthy']) {
        meter.remove('sidekick_watcher_health_changes_total', { service, status });
      }
    }
  }

  #isRegistered(service: string): boolean {
    return (this.#current?.get(service).size ?? 0) > 0;
  }

  #create(seen: Iterable<string> = []): Registrations {
    const options = this.#context.options();
    return new Registrations(options.prefixes, rulesOf(options, this.#own), seen);
  }

  /** Says what is wrong with keys, once for each revision of each, and how many there are. */
  #say(
    { services, touched, rejected, warnings, limited }: RegistrationChange,
    current: Registrations,
  ): ReadonlySet<string> {
    const { log, meter, options } = this.#context;
    for (const rejection of rejected) {
      log.warn({ event: 'registration-rejected', ...subject(rejection) }, 'registration rejected');
      meter.count('sidekick_registrations_rejected_total');
    }
    for (const warning of warnings) {
      const fields = { event: 'registration-warning', ...subject(warning) };
      log.warn(fields, 'registration accepted, but for what is ignored');
    }
    for (const service of limited) {
      const fields = { event: 'service-limited', service, ...options().limits };
      log.warn(
        fields,
        'the service has as many instances, or bytes, as limits allows: newer keys are not taken',
      );
    }
    for (const service of services) {
      meter.gauge('sidekick_registrations', countRegistered(current.get(service).values()), { service });
    }
    for (const service of touched) {
      const { overLimit } = current.refused(service);
      if (overLimit > 0) meter.gauge('sidekick_registrations_over_limit', overLimit, { service });
      else meter.remove('sidekick_registrations_over_limit', { service });
    }
    return services;
  }
}

function subject({ key, service, revision, reason }: Rejection): Readonly<Record<string, unknown>> {
  return { ...(service === undefined ? {} : { service }), key: printable(key), revision, reason };
}

function spelled(networks: Networks): string {
  return networks
    .map(([network, bits]) => `${network.toString()}/${bits}`)
    .sort()
    .join();
}
