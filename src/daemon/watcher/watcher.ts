import { setMaxListeners } from 'node:events';
import { messageOf } from '../../core/errors.js';
import { type Instance, maintenancePrefix, releasePrefix } from '../../core/keys.js';
import type { View } from '../../core/ports.js';
import { printable } from '../../core/printable.js';
import { type RegistrationChange, Registrations } from '../../core/registrations.js';
import { createLeaseKeeper } from '../lease-keeper.js';
import type { LeaseKeeper } from '../lease-keeper-options.js';
import type { WatcherOptions, WatcherPorts } from '../watcher-options.js';
import type { WatcherStatus } from '../watcher-status.js';
import { Answers } from './answers.js';
import { NginxDriver } from './driver.js';
import { HealthMonitor } from './health-monitor.js';
import { publishPresence } from './presence.js';
import { serviceStatus } from './service-status.js';

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
  /** Lets go what the guard holds of a service; `sidekick release` does it through etcd. */
  release(service: string): void;
  status(): WatcherStatus;
  /** etcd has been read and NGINX matches. */
  readonly ready: boolean;
  /** When its loops last moved, in ms since the epoch: the oldest of them. */
  readonly lastProgress: number;
}

/** The keys that a watcher reads. */
export function watchedPrefixes({ keys }: Pick<WatcherOptions, 'keys'>): readonly string[] {
  return [keys.services, maintenancePrefix(keys), releasePrefix(keys)];
}

export function createWatcher(options: WatcherOptions, ports: WatcherPorts): Watcher {
  return new RunningWatcher(options, ports);
}

class RunningWatcher implements Watcher {
  readonly #ports: WatcherPorts;
  readonly #keeper: LeaseKeeper;
  readonly #drivers: readonly NginxDriver[];
  readonly #answers: Answers;
  readonly #health: HealthMonitor | undefined;
  #options: WatcherOptions;
  #registrations: Registrations | undefined;
  #view: View | undefined;
  #etcdError: string | undefined;
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: WatcherOptions, ports: WatcherPorts) {
    this.#options = options;
    this.#ports = ports;
    const { store, log, meter, clock, healthCheck } = ports;
    this.#keeper = createLeaseKeeper({ store, ttl: options.leaseTtl, log, meter, clock });
    this.#health =
      healthCheck &&
      new HealthMonitor({
        check: (instance) => healthCheck(instance, this.#isUnchecked(instance)),
        log,
        meter,
        clock,
        changed: ({ service }) => {
          for (const driver of this.#drivers) driver.healthChanged(service);
        },
      });
    const context = {
      log,
      meter,
      clock,
      health: this.#health,
      options: () => this.#options,
      registrations: () => this.#registrations,
      progressed: (services: readonly string[]) => this.#answer(services),
      remapped: () => this.#remapped(),
    };
    this.#drivers = ports.nginx.map((api) => new NginxDriver(api, context));
    this.#answers = new Answers(options.keys, options.id, this.#keeper, this.#drivers);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    // Every upstream and every probe listens to it: many are no leak.
    setMaxListeners(0, signal);
    const keeperEnds = new AbortController();
    const keeper = this.#keeper.run(keeperEnds.signal);
    const observer = {
      view: (view: View) => this.#viewed(view),
      away: (error: Error) => this.#away(error),
    };
    try {
      await Promise.all([
        this.#ports.reader.follow(watchedPrefixes(this.#options), observer, signal),
        ...this.#drivers.map((driver) => driver.run(signal)),
      ]);
      await this.#health?.ended();
    } finally {
      keeperEnds.abort();
      await keeper;
    }
  }

  reconfigure(options: WatcherOptions): void {
    const { id, keys, leaseTtl } = this.#options;
    this.#options = { ...options, id, keys, leaseTtl };
    this.#health?.restart();
    const view = this.#view;
    if (!view || !this.#registrations) return;
    this.#registrations = new Registrations(keys, options.allow, this.#registrations.services);
    this.#take(this.#registrations.apply({ ...view, changed: new Set(view.entries.keys()) }));
    // The drain times or the guard may be others for any of them.
    this.#changed(this.#registrations.services);
  }

  release(service: string): void {
    this.#ports.log.info({ event: 'guard-release', service }, 'an operator lets go what the guard holds');
    for (const driver of this.#drivers) driver.release(service);
  }

  get ready(): boolean {
    // One resync that failed is not yet a doubt.
    const age = this.#options.timing.resync * 2;
    return (
      this.#registrations !== undefined &&
      this.#etcdError === undefined &&
      this.#drivers.every((driver) => driver.isMatched(age))
    );
  }

  get lastProgress(): number {
    return Math.min(...this.#drivers.map(({ lastCheckAt }) => lastCheckAt), this.#ports.clock());
  }

  status(): WatcherStatus {
    const registrations = this.#registrations;
    return {
      id: this.#options.id,
      ready: this.ready,
      etcd: {
        connected: this.#view !== undefined && this.#etcdError === undefined,
        ...(this.#view ? { revision: this.#view.revision } : {}),
        ...(this.#etcdError === undefined ? {} : { error: this.#etcdError }),
      },
      services: registrations
        ? [...registrations.services].sort().map((name) => serviceStatus(name, registrations))
        : [],
      rejected: (registrations?.rejected ?? []).map(({ key, reason }) => ({ key: printable(key), reason })),
      nginx: this.#drivers.map((driver) => driver.status()),
    };
  }

  #viewed(view: View): void {
    const { log, meter } = this.#ports;
    const first = this.#view === undefined;
    if (first || this.#etcdError !== undefined) {
      log.info({ event: 'etcd-connected', revision: view.revision }, 'etcd has been read');
    }
    meter.gauge('sidekick_etcd_connected', 1);
    this.#etcdError = undefined;
    this.#view = view;
    this.#registrations ??= new Registrations(this.#options.keys, this.#options.allow);
    const change = this.#registrations.apply(view);
    this.#take(change);
    this.#changed(change.services);
    if (first) publishPresence(this.#options.keys, this.#options.id, this.#drivers, this.#keeper);
    else this.#releaseAsked(view);
  }

  #away(error: Error): void {
    const { log, meter } = this.#ports;
    meter.gauge('sidekick_etcd_connected', 0);
    this.#etcdError = messageOf(error);
    log.warn(
      { event: 'etcd-away', reason: messageOf(error) },
      'etcd cannot be read: NGINX keeps what it has until it can be',
    );
  }

  /** Says what is wrong with keys, once for each revision of each. */
  #take({ rejected, warnings }: RegistrationChange): void {
    const { log, meter } = this.#ports;
    for (const { key, revision, reason } of rejected) {
      log.warn(
        { event: 'registration-rejected', key: printable(key), revision, reason },
        'registration rejected',
      );
      meter.count('sidekick_registrations_rejected_total');
    }
    for (const { key, revision, reason } of warnings) {
      const fields = { event: 'registration-warning', key: printable(key), revision, reason };
      log.warn(fields, 'registration accepted, but for what is ignored');
    }
  }

  #changed(services: ReadonlySet<string>): void {
    const registrations = this.#registrations;
    if (!registrations) return;
    for (const service of services) {
      const instances = registrations.get(service);
      this.#ports.meter.gauge('sidekick_registrations', instances.size, { service });
      this.#probe(service, registrations);
    }
    for (const driver of this.#drivers) driver.registrationsChanged(services);
    this.#answer([...services]);
  }

  #releaseAsked({ changed, entries }: View): void {
    const prefix = releasePrefix(this.#options.keys);
    for (const key of changed) {
      if (key.startsWith(prefix) && entries.has(key)) this.release(key.slice(prefix.length));
    }
  }

  #answer(services: readonly string[]): void {
    if (!this.#registrations) return;
    for (const service of services) this.#answers.update(service, this.#registrations);
  }

  #remapped(): void {
    if (!this.#view || !this.#registrations) return;
    publishPresence(this.#options.keys, this.#options.id, this.#drivers, this.#keeper);
    // Which NGINX serves a service decides whether it is probed.
    for (const service of this.#registrations.services) this.#probe(service, this.#registrations);
  }

  #probe(service: string, registrations: Registrations): void {
    this.#health?.sync(service, new Set(registrations.get(service).keys()), this.#signal);
  }

  #isUnchecked({ service }: Instance): boolean {
    return this.#drivers.some((driver) => driver.leavesUnchecked(service));
  }
}
