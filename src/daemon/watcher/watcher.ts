import { setMaxListeners } from 'node:events';
import { sleep } from '../../async/sleep.js';
import { CONNECTED, conditionOf, type EtcdCondition } from '../../core/etcd-state.js';
import { type Instance, maintenancePrefix, parseService, unholdPrefix, watcherKey } from '../../core/keys.js';
import type { RegistrySnapshot } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import type { Registrations } from '../../core/registrations.js';
import { KINDS, type Kind } from '../../core/upstream.js';
import { LeaseSession } from '../lease/session.js';
import { DrainAcks } from './drain-acks.js';
import { HealthMonitor } from './health-monitor.js';
import { NginxController } from './nginx-controller.js';
import type { WatcherOptions, WatcherPorts } from './options.js';
import { Presence } from './presence.js';
import { RegistrationTracker } from './registration-tracker.js';
import { serviceStatus } from './service-status.js';
import type { WatcherStatus } from './status.js';

/** A running `sidekick watch`. */
export interface Watcher {
  /**
   * Runs until aborted, whatever happens to etcd or NGINX. Then lets the calls under way end, leaves NGINX as it is,
   * ends its lease, and resolves. Call once.
   */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Takes other options while it runs, and asks `healthCheck` anew. `id`, `keys`, `leaseTtl` and `timing.concurrency` stay as they were: they take
   * a restart.
   */
  reconfigure(options: WatcherOptions): void;
  /** Lets go what the guard holds of a service; `sidekick unhold` does it through etcd. */
  unhold(service: string): void;
  status(): WatcherStatus;
  /** etcd has been read and NGINX matches. */
  readonly ready: boolean;
  /** When its loops last moved, by the monotonic clock: the oldest of them. */
  readonly lastProgress: number;
}

/** The prefixes that a watcher reads. */
export function watchedPrefixes({ prefixes }: Pick<WatcherOptions, 'prefixes'>): readonly string[] {
  return [prefixes.services, maintenancePrefix(prefixes), unholdPrefix(prefixes)];
}

/** How often what is gone is forgotten and this host's addresses are read, in ms. */
const UPKEEP = 2_000;

/** Most rejected keys named in the status: whoever may write keys can write any number of bad ones. */
const REJECTED_SHOWN = 200;

/** Drained instances that the status lists. */
const MAINTENANCE_SHOWN = 100;

export function createWatcher(options: WatcherOptions, ports: WatcherPorts): Watcher {
  return new RunningWatcher(options, ports);
}

class RunningWatcher implements Watcher {
  readonly #ports: WatcherPorts;
  readonly #session: LeaseSession;
  readonly #drivers: readonly NginxController[];
  readonly #answers: DrainAcks;
  readonly #presence: Presence;
  readonly #health: HealthMonitor | undefined;
  #options: WatcherOptions;
  readonly #keys: RegistrationTracker;
  #view: RegistrySnapshot | undefined;
  /** Whether etcd can be read, and why not. */
  #reading: EtcdCondition = { state: 'unavailable', error: 'not yet read' };
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: WatcherOptions, ports: WatcherPorts) {
    this.#options = options;
    this.#ports = ports;
    const { store, log, meter, clock, wallClock, healthCheck } = ports;
    this.#session = new LeaseSession({ store, leaseTtl: options.leaseTtl, log, meter, clock });
    this.#health =
      healthCheck &&
      new HealthMonitor({
        check: (instance) => healthCheck(instance, this.#unchecked(instance)),
        limits: () => this.#options.probeLimits,
        grace: () => this.#options.guard.grace,
        log,
        meter,
        clock,
        changed: ({ service }) => {
          for (const driver of this.#drivers) driver.healthChanged(service);
        },
      });
    this.#keys = new RegistrationTracker({
      options: () => this.#options,
      ownAddresses: ports.ownAddresses,
      log,
      meter,
    });
    const context = {
      log,
      meter,
      clock,
      shown: (at: number) => Math.round(wallClock() + at - clock()),
      health: this.#health,
      options: () => this.#options,
      registrations: () => this.#registrations,
      progressed: (services: readonly string[]) => {
        this.#answer(services);
        this.#presence.heldMayDiffer(services);
      },
      remapped: () => this.#remapped(),
    };
    this.#drivers = ports.nginx.map((api) => new NginxController(api, context));
    this.#presence = new Presence(options.prefixes, options.id, {
      drivers: this.#drivers,
      session: this.#session,
    });
    this.#answers = new DrainAcks(options.prefixes, options.id, this.#session, this.#drivers);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    // Every upstream and every probe listens to it: many are no leak.
    setMaxListeners(0, signal);
    const sessionEnd = new AbortController();
    const session = this.#session.run(sessionEnd.signal);
    const observer = {
      onSnapshot: (view: RegistrySnapshot) => this.#viewed(view),
      onUnavailable: (error: Error) => this.#away(error),
    };
    try {
      if (this.#ports.ownAddresses) await this.#keys.readOwnAddresses();
      await Promise.all([
        this.#ports.reader.watch(watchedPrefixes(this.#options), observer, signal),
        this.#upkeep(signal),
        ...this.#drivers.map((driver) => driver.run(signal)),
      ]);
      await this.#health?.ended();
    } finally {
      sessionEnd.abort();
      await session;
    }
  }

  reconfigure(options: WatcherOptions): void {
    const { id, prefixes, leaseTtl } = this.#options;
    this.#options = { ...options, id, prefixes, leaseTtl };
    this.#health?.restart();
    for (const driver of this.#drivers) driver.remap();
    // The drain times or the guard may be others for any service.
    this.#changed(this.#keys.takeAnew());
  }

  unhold(service: string): void {
    this.#ports.log.info({ event: 'unhold-requested', service }, 'an operator lets go what the guard holds');
    for (const driver of this.#drivers) driver.unhold(service);
  }

  get ready(): boolean {
    // One resync that failed is not yet a doubt.
    const age = this.#options.timing.resync * 2;
    return (
      this.#registrations !== undefined &&
      this.#reading.state === 'connected' &&
      !this.#superseded &&
      this.#drivers.every((driver) => driver.isMatched(age))
    );
  }

  get lastProgress(): number {
    return this.#drivers.reduce(
      (oldest, { lastCheckAt }) => Math.min(oldest, lastCheckAt),
      this.#ports.clock(),
    );
  }

  status(): WatcherStatus {
    const registrations = this.#registrations;
    return {
      id: this.#options.id,
      ready: this.ready,
      etcd: {
        connected: this.#reading.state === 'connected',
        ...(this.#view ? { revision: this.#view.revision } : {}),
        ...this.#etcd,
      },
      superseded: this.#superseded,
      services: registrations
        ? [...registrations.services].sort().map((name) => serviceStatus(name, registrations))
        : [],
      maintenance: (registrations?.maintenance ?? []).slice(0, MAINTENANCE_SHOWN),
      rejected: (registrations?.rejected ?? [])
        .slice(0, REJECTED_SHOWN)
        .map(({ key, reason }) => ({ key: printable(key), reason })),
      nginx: this.#drivers.map((driver) => driver.status()),
    };
  }

  /** How etcd stands: a watcher that can read but not write answers no drain request. */
  get #etcd(): EtcdCondition {
    return this.#reading.state === 'connected' && this.#session.etcd.state === 'refused'
      ? this.#session.etcd
      : this.#reading;
  }

  get #superseded(): boolean {
    return this.#session.status(watcherKey(this.#options.prefixes, this.#options.id)) === 'superseded';
  }

  #viewed(view: RegistrySnapshot): void {
    const { log, meter } = this.#ports;
    const first = this.#view === undefined;
    if (this.#reading.state !== 'connected') {
      log.info({ event: 'etcd-connected', revision: view.revision }, 'etcd has been read');
    }
    meter.gauge('sidekick_etcd_connected', 1);
    this.#reading = CONNECTED;
    this.#view = view;
    this.#changed(this.#keys.take(view));
    if (first) this.#presence.publish();
    else this.#unholdRequested(view);
  }

  #away(error: Error): void {
    const { log, meter } = this.#ports;
    meter.gauge('sidekick_etcd_connected', 0);
    this.#reading = conditionOf(error);
    const reason = this.#reading.error;
    if (this.#reading.state === 'refused') {
      const message = 'etcd refuses to be read: NGINX keeps what it has until it can be';
      log.error({ event: 'etcd-refused', reason }, message);
    } else {
      log.warn(
        { event: 'etcd-unavailable', reason },
        'etcd cannot be read: NGINX keeps what it has until it can be',
      );
    }
  }

  #changed(services: ReadonlySet<string>): void {
    const registrations = this.#registrations;
    if (!registrations) return;
    for (const service of services) this.#probe(service, registrations);
    this.#keys.forget(services, (service) => this.#isNeeded(service));
    for (const driver of this.#drivers) driver.registrationsChanged(services);
    this.#answer([...services]);
  }

  /** A service that is not registered any more is still one whose upstream is to be emptied, where it has one. */
  #isNeeded(service: string): boolean {
    return !this.#drivers.every((driver) => driver.ignores(service));
  }

  /** Now and then: what is gone is forgotten, and this host's addresses are looked at. */
  async #upkeep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(UPKEEP, signal);
      this.#health?.sweep();
      if (!signal.aborted && (await this.#keys.readOwnAddresses())) {
        this.#ports.log.info(
          { event: 'own-addresses-changed' },
          "this host's own addresses are others than before",
        );
        this.#changed(this.#keys.takeAnew());
      }
    }
  }

  #unholdRequested({ changed, entries }: RegistrySnapshot): void {
    const prefix = unholdPrefix(this.#options.prefixes);
    for (const key of changed) {
      if (!key.startsWith(prefix) || !entries.has(key)) continue;
      const service = parseService(key.slice(prefix.length));
      if (service.ok) this.unhold(service.value);
    }
  }

  get #registrations(): Registrations | undefined {
    return this.#keys.current;
  }

  #answer(services: readonly string[]): void {
    if (!this.#registrations) return;
    for (const service of services) this.#answers.update(service, this.#registrations);
  }

  #remapped(): void {
    if (!this.#view || !this.#registrations) return;
    this.#presence.publish();
    this.#keys.forget(this.#registrations.services, (service) => this.#isNeeded(service));
    // Which NGINX serves a service decides whether it is probed.
    for (const service of this.#registrations.services) this.#probe(service, this.#registrations);
  }

  #probe(service: string, registrations: Registrations): void {
    this.#health?.sync(service, new Set(registrations.get(service).keys()), this.#signal);
  }

  #unchecked({ service }: Instance): Kind | undefined {
    const kinds = new Set(this.#drivers.map((driver) => driver.leavesUnchecked(service)));
    return KINDS.find((kind) => kinds.has(kind));
  }
}
