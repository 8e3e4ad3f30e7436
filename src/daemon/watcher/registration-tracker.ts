import { differingNetworks, type Networks } from '../../core/address.js';
import { withoutSpecial } from '../../core/address-policy.js';
import { messageOf } from '../../core/errors.js';
import { type GoneInstance, GoneInstances } from '../../core/gone-instances.js';
import type { Clock, Log, Meter, RegistrySnapshot } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import {
  type ChangedInstances,
  type RegistrationChange,
  type RegistrationRules,
  Registrations,
} from '../../core/registrations.js';
import type { Rejection } from '../../core/service-registrations.js';
import type { WatcherOptions, WatcherPorts } from './options.js';

interface RegistrationTrackerContext {
  readonly options: () => WatcherOptions;
  readonly ownAddresses: WatcherPorts['ownAddresses'];
  /** The monotonic clock, in ms. */
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** These instances are gone from etcd. */
  readonly gone: (gone: readonly GoneInstance[]) => void;
}

/** The rules for registrations. @param own The load balancer's own addresses. */
export function registrationRules(
  { allow, limits, nginxHosts }: WatcherOptions,
  own: Networks,
): RegistrationRules {
  return { allow, limits, own: withoutSpecial([...own, ...nginxHosts]) };
}

/** Keeps what is registered by what etcd has and by the rules for it, and logs what is rejected. */
export class RegistrationTracker {
  /** The instances that went out of etcd, and why. */
  readonly gone = new GoneInstances();
  readonly #context: RegistrationTrackerContext;
  #current: Registrations | undefined;
  #snapshot: RegistrySnapshot | undefined;
  /** This host's addresses, as they were last read, and those of them that matter. */
  #ownRead: Networks = [];
  #own: Networks = [];

  constructor(context: RegistrationTrackerContext) {
    this.#context = context;
  }

  /** Undefined until etcd has been read. */
  get current(): Registrations | undefined {
    return this.#current;
  }

  /** Takes in what a snapshot brings. Tells which instances have changed. */
  take(snapshot: RegistrySnapshot): ChangedInstances {
    this.#snapshot = snapshot;
    this.#current ??= this.#create();
    const change = this.#current.apply(snapshot);
    this.#noteGone(change, this.#current);
    return this.#log(change, this.#current);
  }

  /** Reads every key again, as the rules may be others. */
  takeAnew(): void {
    if (!this.#snapshot || !this.#current) return;
    this.#current = this.#create(this.#current.services);
    const { entries, revision } = this.#snapshot;
    this.#log(this.#current.apply({ entries, revision, changed: new Set(entries.keys()) }), this.#current);
  }

  /**
   * Reads this host's addresses, and takes in anew what is refused for them, or is so no longer. Tells which instances have
   * changed; undefined where none of the addresses that matter is another.
   */
  async readOwnAddresses(): Promise<ChangedInstances | undefined> {
    const before = this.#own;
    await this.#readOwn();
    if (this.#own === before) return undefined;
    if (differingNetworks(before, this.#own).length === 0) return undefined;
    if (!this.#snapshot || !this.#current) return new Map();
    const { own } = registrationRules(this.#context.options(), this.#own);
    return this.#log(this.#current.ownAddressesChanged(own, this.#snapshot.entries), this.#current);
  }

  async #readOwn(): Promise<void> {
    const { ownAddresses, log } = this.#context;
    try {
      const read = (await ownAddresses?.()) ?? [];
      // The same object as before says the same.
      if (read !== this.#ownRead) this.#own = withoutSpecial(read);
      this.#ownRead = read;
    } catch (error) {
      const fields = { event: 'host-addresses-unknown', reason: messageOf(error) };
      log.warn(fields, "this host's own addresses cannot be read: those known before count");
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
        meter.remove('sidekick_health_changes_total', { service, status });
      }
    }
  }

  #noteGone({ instances, gone }: RegistrationChange, current: Registrations): void {
    for (const [service, addresses] of instances) {
      const registered = current.get(service);
      for (const address of addresses) {
        if (registered.has(address)) this.gone.delete({ service, address });
      }
    }
    const now = this.#context.clock();
    for (const instance of gone) this.gone.add(instance, now);
    if (gone.length > 0) this.#context.gone(gone);
  }

  #isRegistered(service: string): boolean {
    return (this.#current?.get(service).size ?? 0) > 0;
  }

  #create(seen: Iterable<string> = []): Registrations {
    const options = this.#context.options();
    return new Registrations(options.prefixes, registrationRules(options, this.#own), seen);
  }

  /** Logs what is wrong with keys, once for each revision of each, and counts them. */
  #log(
    { instances, touched, rejected, warnings, limited }: RegistrationChange,
    current: Registrations,
  ): ChangedInstances {
    const { log, meter, options } = this.#context;
    for (const rejection of rejected) {
      log.warn(
        { event: 'registration-rejected', ...subject(rejection) },
        'a registration is rejected: correct its key',
      );
      meter.count('sidekick_registrations_rejected_total');
    }
    for (const warning of warnings) {
      const fields = { event: 'registration-field-ignored', ...subject(warning) };
      log.warn(fields, 'a registration is accepted, but some of it is ignored: correct its value');
    }
    for (const service of limited) {
      const fields = { event: 'service-limited', service, ...options().limits };
      log.warn(fields, 'the service has reached limits.instances or limits.bytes: newer keys are ignored');
    }
    for (const service of instances.keys()) {
      meter.gauge('sidekick_registrations', current.accepted(service), { service });
    }
    for (const service of touched) {
      const { overLimit } = current.refused(service);
      if (overLimit > 0) meter.gauge('sidekick_registrations_over_limit', overLimit, { service });
      else meter.remove('sidekick_registrations_over_limit', { service });
    }
    return instances;
  }
}

function subject({ key, service, revision, reason }: Rejection): Readonly<Record<string, unknown>> {
  return { ...(service === undefined ? {} : { service }), key: printable(key), revision, reason };
}
