import { setMaxListeners } from 'node:events';
import { sleep } from '../../async/sleep.js';
import type { EtcdCondition } from '../../core/etcd-state.js';
import { parseService, unholdPrefix, watcherKey, watcherStatusKey } from '../../core/keys.js';
import type { RegistrySnapshot } from '../../core/ports.js';
import { encodeWatcher } from '../../core/published-status.js';
import type { ChangedInstances, Registrations } from '../../core/registrations.js';
import { KINDS, type Kind, type UpstreamId } from '../../core/upstream.js';
import { LeaseSession } from '../lease/session.js';
import { StatusPublisher } from '../status-publisher.js';
import type { WatcherDeps } from './deps.js';
import { DrainAcks } from './drain-acks.js';
import { EtcdConnection } from './etcd-connection.js';
import { HealthMonitor } from './health-monitor.js';
import { LeaseInquiry } from './lease-inquiry.js';
import { LostInstances } from './lost-instances.js';
import { NginxController } from './nginx-controller.js';
import { type WatcherOptions, type WatcherPorts, watchedPrefixes } from './options.js';
import { Presence } from './presence.js';
import { RegistrationTracker } from './registration-tracker.js';
import type { WatcherOverview, WatcherStatus } from './status.js';
import type { PageQuery, ServerPage, WatcherView } from './view.js';
import {
  publishedWatcher,
  type WatcherFacts,
  watcherOverview,
  watcherStatus,
  watcherView,
} from './watcher-status.js';

/** How often instances that are gone are forgotten and this host's addresses are read, in ms. */
const SWEEP_INTERVAL = 2_000;

/** A running `sidekick watch`. */
export class Watcher {
  readonly #ports: WatcherPorts;
  /** When it was started, in ms since the epoch. */
  readonly #since: number;
  readonly #etcd: EtcdConnection;
  readonly #session: LeaseSession;
  readonly #controllers: readonly NginxController[];
  readonly #acks: DrainAcks;
  readonly #presence: Presence;
  readonly #health: HealthMonitor | undefined;
  readonly #tracker: RegistrationTracker;
  readonly #leaseInquiry: LeaseInquiry;
  readonly #lost: LostInstances;
  #options: WatcherOptions;
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: WatcherOptions, ports: WatcherPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#since = ports.wallClock();
    const { store, log, meter, clock, wallClock, ownAddresses } = ports;
    this.#etcd = new EtcdConnection({ log, meter, wallClock });
    this.#session = new LeaseSession({ store, leaseTtl: options.leaseTtl, log, meter, clock });
    this.#health = this.#createHealthMonitor();
    this.#tracker = new RegistrationTracker({
      options: () => this.#options,
      ownAddresses,
      clock,
      log,
      meter,
      gone: (gone) => this.#leaseInquiry.ask(gone, this.#signal),
    });
    const { gone } = this.#tracker;
    this.#lost = new LostInstances({ log, meter, wallClock });
    this.#leaseInquiry = new LeaseInquiry(store, gone, (ended) => this.#lost.add(ended));
    const deps: WatcherDeps = {
      log,
      meter,
      clock,
      toWallTime: (at) => Math.round(wallClock() + at - clock()),
      health: this.#health,
      options: () => this.#options,
      registrations: () => this.#registrations,
      goneCause: (instance) => gone.cause(instance),
      vanishedSince: (service, since) => gone.vanishedSince(service, since),
    };
    const events = {
      passEnded: (services: readonly string[]) => this.#passEnded(services),
      mappingChanged: () => this.#mappingChanged(),
    };
    this.#controllers = ports.nginx.map((api) => new NginxController(api, deps, events));
    this.#presence = new Presence(options.prefixes, options.id, {
      controllers: this.#controllers,
      session: this.#session,
    });
    this.#acks = new DrainAcks(options.prefixes, options.id, this.#session, this.#controllers);
  }

  /**
   * Runs until aborted, whatever happens to etcd or NGINX. Then lets the calls under way end, leaves NGINX as it is,
   * ends its lease, and resolves. Call once.
   */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    // Every upstream and every probe listens to it: many listeners are no leak.
    setMaxListeners(0, signal);
    const sessionEnds = new AbortController();
    const session = this.#session.run(sessionEnds.signal);
    const listener = {
      onSnapshot: (snapshot: RegistrySnapshot) => this.#onSnapshot(snapshot),
      onUnavailable: (error: Error) => this.#etcd.unavailable(error),
      onRead: () => this.#etcd.answered(),
    };
    try {
      await this.#tracker.readOwnAddresses();
      await Promise.all([
        this.#ports.reader.watch(watchedPrefixes(this.#options), listener, signal),
        this.#sweepPeriodically(signal),
        this.#publishStatus(signal),
        ...this.#controllers.map((controller) => controller.run(signal)),
      ]);
      await this.#health?.ended();
      await this.#leaseInquiry.ended();
    } finally {
      sessionEnds.abort();
      await session;
    }
  }

  /**
   * Takes other options while it runs, and asks `healthCheck` anew. `id`, `prefixes`, `leaseTtl` and `timing.concurrency` stay
   * as they were: they take a restart.
   */
  reconfigure(options: WatcherOptions): void {
    const { id, prefixes, leaseTtl } = this.#options;
    this.#options = { ...options, id, prefixes, leaseTtl };
    this.#health?.restart();
    // The rules, the drain timeouts or the guard may be others for any service.
    this.#registrationsReplaced();
  }

  /** Ends the guard's holds of a service; `sidekick unhold` does it through etcd. */
  unhold(service: string): void {
    this.#ports.log.info(
      { event: 'unhold-requested', service },
      "an operator ends the guard's holds of the service",
    );
    for (const controller of this.#controllers) controller.unhold(service);
  }

  /** etcd has been read and every NGINX is in sync. */
  get ready(): boolean {
    // One resync that failed is not yet a doubt.
    const age = this.#options.timing.resync * 2;
    return (
      this.#registrations !== undefined &&
      this.etcdConnected &&
      !this.#isSuperseded &&
      this.#controllers.every((controller) => controller.isInSync(age))
    );
  }

  /** When its loops last moved, by the monotonic clock: the oldest of them. */
  get lastProgress(): number {
    return this.#controllers.reduce(
      (oldest, { lastCheckAt }) => Math.min(oldest, lastCheckAt),
      this.#ports.clock(),
    );
  }

  /** Whether etcd can be read. */
  get etcdConnected(): boolean {
    return this.#etcd.isConnected;
  }

  overview(): WatcherOverview {
    return watcherOverview(this.#facts);
  }

  status(): WatcherStatus {
    return watcherStatus(this.#facts);
  }

  /** What people see who look at it live. It costs a look at every server. */
  view(): WatcherView {
    return watcherView(this.#facts);
  }

  /** Some servers of an upstream of one NGINX; undefined where there is no such upstream. */
  serverPage(nginx: string, upstream: UpstreamId, query: PageQuery): ServerPage | undefined {
    return this.#controllers.find(({ name }) => name === nginx)?.serverPage(upstream, query);
  }

  async #publishStatus(signal: AbortSignal): Promise<void> {
    const { store, log, version } = this.#ports;
    if (version === undefined) return;
    const key = watcherStatusKey(this.#options.prefixes, this.#options.id);
    const status = () =>
      this.#registrations
        ? new Map([[key, encodeWatcher(publishedWatcher(this.#facts, version))]])
        : new Map<string, string>();
    await new StatusPublisher({ store, log, lease: () => this.#session.lease, status }).run(signal);
  }

  get #facts(): WatcherFacts {
    return {
      id: this.#options.id,
      version: this.#ports.version,
      since: this.#since,
      ready: this.ready,
      superseded: this.#isSuperseded,
      etcdConnected: this.etcdConnected,
      etcd: this.#etcdCondition,
      revision: this.#etcd.revision,
      registrations: this.#registrations,
      lost: this.#lost,
      nginx: this.#controllers,
    };
  }

  /** A watcher that can read but not write acknowledges no drain. */
  get #etcdCondition(): EtcdCondition {
    const { etcd } = this.#session;
    return this.etcdConnected && etcd.state === 'refused' ? etcd : this.#etcd.condition;
  }

  get #isSuperseded(): boolean {
    return this.#session.status(watcherKey(this.#options.prefixes, this.#options.id)) === 'superseded';
  }

  get #registrations(): Registrations | undefined {
    return this.#tracker.current;
  }

  // --- what happens in etcd ---------------------------------------------------------------------------------------

  #onSnapshot(snapshot: RegistrySnapshot): void {
    const isFirst = this.#etcd.revision === undefined;
    this.#etcd.snapshotTaken(snapshot.revision);
    this.#registrationsChanged(this.#tracker.take(snapshot));
    if (isFirst) this.#presence.publish();
    else this.#unholdRequested(snapshot);
  }

  #registrationsChanged(instances: ChangedInstances): void {
    const registrations = this.#registrations;
    if (!registrations || instances.size === 0) return;
    for (const [service, addresses] of instances) {
      this.#health?.update(service, addresses, registrations.get(service), this.#signal);
      this.#lost.changed(service, addresses, registrations.get(service));
    }
    this.#tracker.forget(instances.keys(), (service) => this.#isNeeded(service));
    for (const controller of this.#controllers) controller.registrationsChanged(instances);
    this.#updateAcks(instances.keys());
  }

  /** The options, and with them the rules for registrations, are others: whatever is registered is read anew. */
  #registrationsReplaced(): void {
    this.#tracker.takeAnew();
    const registrations = this.#registrations;
    if (!registrations) return;
    this.#syncHealth(registrations);
    this.#tracker.forget(registrations.services, (service) => this.#isNeeded(service));
    for (const controller of this.#controllers) controller.registrationsReplaced();
    this.#updateAcks(registrations.services);
  }

  #unholdRequested({ changed, entries }: RegistrySnapshot): void {
    const prefix = unholdPrefix(this.#options.prefixes);
    for (const key of changed) {
      if (!key.startsWith(prefix) || !entries.has(key)) continue;
      const service = parseService(key.slice(prefix.length));
      if (service.ok) this.unhold(service.value);
    }
  }

  // --- what happens in NGINX --------------------------------------------------------------------------------------

  #passEnded(services: readonly string[]): void {
    this.#updateAcks(services);
    this.#presence.heldMayDiffer(services);
  }

  #mappingChanged(): void {
    const registrations = this.#registrations;
    if (!registrations) return;
    this.#presence.publish();
    this.#tracker.forget(registrations.services, (service) => this.#isNeeded(service));
    // Which NGINX a service feeds decides whether it is probed.
    this.#syncHealth(registrations);
  }

  // --- what follows -----------------------------------------------------------------------------------------------

  #updateAcks(services: Iterable<string>): void {
    const registrations = this.#registrations;
    if (!registrations) return;
    for (const service of services) this.#acks.update(service, registrations);
  }

  /** A service that is not registered any more is needed while it has an upstream that is to be emptied. */
  #isNeeded(service: string): boolean {
    return !this.#controllers.every((controller) => controller.ignores(service));
  }

  /** Now and then, forgets instances that are gone, and reads this host's addresses. */
  async #sweepPeriodically(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(SWEEP_INTERVAL, signal);
      this.#health?.sweep();
      this.#lost.sweep();
      if (!signal.aborted) await this.#readOwnAddresses();
    }
  }

  async #readOwnAddresses(): Promise<void> {
    const changed = await this.#tracker.readOwnAddresses();
    if (!changed) return;
    this.#ports.log.info({ event: 'host-addresses-changed' }, "this host's own addresses have changed");
    this.#registrationsChanged(changed);
  }

  #createHealthMonitor(): HealthMonitor | undefined {
    const { log, meter, clock, healthCheck } = this.#ports;
    if (!healthCheck) return undefined;
    return new HealthMonitor({
      check: (instance) => healthCheck(instance, this.#needsProbing(instance.service)),
      limits: () => this.#options.probeLimits,
      grace: () => this.#options.guard.grace,
      log,
      meter,
      clock,
      changed: ({ service }) => {
        for (const controller of this.#controllers) controller.healthChanged(service);
      },
    });
  }

  #syncHealth(registrations: Registrations): void {
    for (const service of registrations.services) {
      this.#health?.sync(service, registrations.get(service), this.#signal);
    }
  }

  /** The kind of upstream that the service feeds in an NGINX without health checks of its own, if there is one. */
  #needsProbing(service: string): Kind | undefined {
    const kinds = new Set(this.#controllers.map((controller) => controller.needsProbing(service)));
    return KINDS.find((kind) => kinds.has(kind));
  }
}
