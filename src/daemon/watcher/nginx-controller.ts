import { defined } from '../../core/defined.js';
import type { Instance } from '../../core/keys.js';
import { type Mapping, mapServices, type Topology } from '../../core/mapping.js';
import { isGateway, type NginxApi } from '../../core/ports.js';
import type { PublishedNginx } from '../../core/published-status.js';
import type { ChangedInstances, Registrations } from '../../core/registrations.js';
import { KINDS, type Kind, type UpstreamId, upstreamRef } from '../../core/upstream.js';
import type { WatcherDeps } from './deps.js';
import { type LateLog, lateLog } from './late-log.js';
import { meteredNginx } from './metered-nginx.js';
import { type ConnectionChange, NginxConnection } from './nginx-connection.js';
import { type NginxOverview, type NginxStatus, pastStatus } from './status.js';
import { UpstreamWorker } from './upstream-worker.js';
import { UpstreamWorkers } from './upstream-workers.js';
import { mostUrgent, type NginxView, type PageQuery, type ServerPage } from './view.js';

/** What a controller tells its watcher. */
interface ControllerEvents {
  /** A pass over an upstream has ended that these services feed. */
  passEnded(services: readonly string[]): void;
  /** Other services feed other upstreams here than before. */
  mappingChanged(): void;
}

/**
 * Whether one NGINX has drained an instance. `unknown`: it may send traffic there. `unmapped`: it has no upstream that the
 * instance's service feeds.
 */
type DrainState = 'drained' | 'draining' | 'unmapped' | 'unknown';

/** Problems and groups that are published and shown at most. */
const MOST_NAMED = 20;

/** Upstreams of one NGINX that are shown at most, and servers of one upstream. */
const MOST_UPSTREAMS = 100;
const MOST_ROWS = 50;
const LEAST_ROWS = 5;

const NOTHING_MAPPED: Mapping = { feeds: new Map(), problems: [] };

/** Keeps one NGINX in sync: decides which services feed which of its upstreams, and has a worker for each of these. */
export class NginxController {
  readonly #deps: WatcherDeps;
  readonly #log: LateLog;
  readonly #events: ControllerEvents;
  readonly #connection: NginxConnection;
  readonly #workers: UpstreamWorkers;
  #mapping = NOTHING_MAPPED;
  /** The services that were mapped: see `Registrations.names`. */
  #mappedNames: object | undefined;
  /** The problems that have been logged and are not resolved. */
  #logged: ReadonlySet<string> = new Set();
  #signal: AbortSignal | undefined;

  constructor(api: NginxApi, deps: WatcherDeps, events: ControllerEvents) {
    // What was done is logged when no call waits any more.
    this.#log = lateLog(deps.log, () => this.#connection.semaphore.hasQueue, deps.clock);
    this.#deps = { ...deps, log: this.#log };
    this.#events = events;
    this.#connection = new NginxConnection(
      meteredNginx(api, deps.meter),
      this.#deps,
      (change) => this.#onAnswer(change),
      () => this.#onFailure(),
    );
    this.#workers = new UpstreamWorkers(api.name, this.#log, (id, services) =>
      this.#createWorker(id, services),
    );
  }

  get name(): string {
    return this.#connection.name;
  }

  /** When NGINX was last asked who it is, by the monotonic clock: it shows that the loop moves. */
  get lastCheckAt(): number {
    return this.#connection.lastCheckAt;
  }

  /** Every upstream that is kept in sync. */
  get upstreams(): readonly UpstreamId[] {
    return this.#workers.upstreams;
  }

  /** The services that feed them. */
  get services(): readonly string[] {
    return this.#workers.services;
  }

  /** Whether NGINX answers and every upstream has been in sync within `age` ms. */
  isInSync(age: number): boolean {
    const oldest = this.#deps.clock() - age;
    return (
      this.#connection.isReachable &&
      [...this.#workers].every(({ inSyncAt }) => inSyncAt !== undefined && inSyncAt >= oldest)
    );
  }

  /** Whether it is certain that the service feeds nothing here. */
  ignores(service: string): boolean {
    return this.#isMappingCertain && this.#workers.workersFor(service).length === 0;
  }

  /** How far the request of this revision to drain the instance has come here. */
  drainState({ service, address }: Instance, revision: number): DrainState {
    if (!this.#isMappingCertain) return 'unknown';
    const workers = this.#workers.workersFor(service);
    if (workers.length === 0) return 'unmapped';
    return workers.every((worker) => worker.isDrained(address, revision)) ? 'drained' : 'draining';
  }

  /**
   * The kind of the upstream here that the service feeds, where this NGINX has no health checks of its own; undefined
   * where nothing needs to be probed. What feeds both kinds is probed in the way that fits both.
   */
  needsProbing(service: string): Kind | undefined {
    if (!isGateway(this.#connection.build)) return undefined;
    const ids = [...this.#mapping.feeds].filter(([, services]) => services.includes(service));
    return KINDS.find((kind) => ids.some(([id]) => upstreamRef(id).kind === kind));
  }

  /** How many servers the guard holds here of the groups that the service feeds. */
  heldOf(service: string): number {
    return this.#workers.workersFor(service).reduce((sum, { heldCount }) => sum + heldCount, 0);
  }

  /** These instances have changed in etcd. */
  registrationsChanged(instances: ChangedInstances): void {
    // Which services there are decides what is mapped; most changes are of instances.
    if (this.#deps.registrations()?.names !== this.#mappedNames) this.#remap();
    this.#workers.registrationsChanged(instances);
  }

  /** The options, or the rules for what is registered, are others: anything may be registered and mapped now. */
  registrationsReplaced(): void {
    this.#remap();
    for (const worker of this.#workers) worker.registrationsReplaced();
  }

  /** The probes have found servers of the service healthy or unhealthy. */
  healthChanged(service: string): void {
    for (const worker of this.#workers.workersFor(service)) worker.requestPass();
  }

  unhold(service: string): void {
    for (const worker of this.#workers.workersFor(service)) worker.unhold();
  }

  status(): NginxStatus {
    const upstreams = [...this.#workers].map((worker) => worker.shown.status());
    return {
      ...this.#connection.status(),
      problems: this.#mapping.problems,
      upstreams: this.#connection.isReachable ? upstreams : upstreams.map(pastStatus),
    };
  }

  overview(): NginxOverview {
    const { name, isReachable: connected } = this.#connection;
    const upstreams = [...this.#workers].map((worker) => worker.shown.overview());
    return {
      name,
      connected,
      upstreams: upstreams.map((one) => ({ ...one, inSync: connected && one.inSync })),
    };
  }

  /** @param rows How many servers of all upstreams together are shown. */
  view(rows: number): NginxView {
    const { name, version, error, lastSeenAgo } = this.#connection.status();
    const workers = [...this.#workers];
    const each = Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.floor(rows / Math.max(1, workers.length))));
    const upstreams = mostUrgent(
      workers.map((worker) => worker.shown.view(each)),
      MOST_UPSTREAMS,
    );
    const { clock, toWallTime } = this.#deps;
    return {
      ...defined({ name, state: this.#state, version, error }),
      ...(lastSeenAgo === undefined || this.#connection.isReachable
        ? {}
        : { lastSeenAt: toWallTime(clock() - lastSeenAgo) }),
      problems: this.#mapping.problems.slice(0, MOST_NAMED).map(({ message }) => message),
      unfed: this.#unfed,
      upstreams,
      more: workers.length - upstreams.length,
    };
  }

  /** Some servers of an upstream; undefined where it is not kept in sync here. */
  serverPage(id: UpstreamId, query: PageQuery): ServerPage | undefined {
    return this.#workers.worker(id)?.shown.serverPage(query);
  }

  get #state(): NginxView['state'] {
    const { connected, refused } = this.#connection.status();
    return connected ? 'connected' : refused ? 'refused' : 'unavailable';
  }

  /** Groups that no service feeds: the first of them. */
  get #unfed(): readonly string[] {
    const { topology } = this.#connection;
    const fed = new Set<string>(this.upstreams);
    const groups = topology ? KINDS.flatMap((kind) => topology[kind].map((group) => `${kind}/${group}`)) : [];
    return groups.filter((group) => !fed.has(group)).slice(0, MOST_NAMED);
  }

  /** What the watcher publishes of this NGINX. */
  published(): PublishedNginx {
    const { name, version, error } = this.#connection.status();
    return {
      name,
      state: this.#state,
      ...(version === undefined ? {} : { version }),
      ...(error === undefined ? {} : { error }),
      upstreams: [...this.#workers].map((worker) => worker.shown.published()),
      more: 0,
      problems: this.#mapping.problems
        .slice(0, MOST_NAMED)
        .map(({ service, message }) => ({ service, message })),
      unfed: this.#unfed,
    };
  }

  /** Runs until aborted, and until the calls under way have ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    try {
      await this.#connection.run(signal);
      await this.#workers.stopped();
    } finally {
      this.#log.flush();
    }
  }

  /**
   * Asks NGINX once, and makes a worker for each upstream, which does not run. Resolves to undefined where NGINX does not
   * answer as it should: then `status().error` says why.
   */
  async connectOnce(signal: AbortSignal): Promise<readonly UpstreamWorker[] | undefined> {
    await this.#connection.check(signal);
    signal.throwIfAborted();
    const registrations = this.#deps.registrations();
    const { identity, topology } = this.#connection;
    if (!identity || !topology || !registrations) return undefined;
    this.#map(registrations, topology);
    return [...this.#mapping.feeds].map(([id, services]) => this.#createWorker(id, services));
  }

  /** Whether all of its groups are known. */
  get #isMappingCertain(): boolean {
    return this.#connection.topology !== undefined && this.#connection.unreadableKinds.size === 0;
  }

  #onAnswer({ reloaded, returned, topologyRead }: ConnectionChange): void {
    if (topologyRead || this.#deps.registrations()?.names !== this.#mappedNames) this.#remap();
    if (reloaded) for (const worker of this.#workers) worker.reset();
    else if (returned) for (const worker of this.#workers) worker.requestPass();
  }

  #onFailure(): void {
    for (const worker of this.#workers) worker.forgetCounts();
  }

  /** Decides anew which services feed which upstreams, and starts and stops workers accordingly. */
  #remap(): void {
    const registrations = this.#deps.registrations();
    const { topology } = this.#connection;
    if (!registrations || !topology || !this.#signal || this.#signal.aborted) return;
    this.#map(registrations, topology);
    this.#logProblems();
    if (this.#workers.sync(this.#mapping.feeds, this.#signal)) this.#events.mappingChanged();
  }

  #map(registrations: Registrations, topology: Topology): void {
    this.#mappedNames = registrations.names;
    this.#mapping = mapServices(registrations.services, this.#deps.options().upstreams, topology);
  }

  #createWorker(id: UpstreamId, services: readonly string[]): UpstreamWorker {
    return new UpstreamWorker(upstreamRef(id), services, this.#connection, this.#deps, (fedBy) =>
      this.#events.passEnded(fedBy),
    );
  }

  /** Logs each problem once, until it is resolved. A service may feed a kind that cannot be read: that is none yet. */
  #logProblems(): void {
    const { log } = this.#deps;
    const { unreadableKinds } = this.#connection;
    const active = new Set<string>();
    const warnOnce = (problem: string, fields: Readonly<Record<string, unknown>>, message: string) => {
      active.add(problem);
      if (!this.#logged.has(problem)) log.warn({ ...fields, nginx: this.name }, message);
    };
    for (const [kind, { code, message }] of unreadableKinds) {
      const fields = { event: 'upstream-list-unreadable', kind, code, reason: message };
      warnOnce(kind, fields, 'NGINX does not list its upstreams of this kind: the known ones count');
    }
    for (const { service, code, message } of unreadableKinds.size > 0 ? [] : this.#mapping.problems) {
      warnOnce(message, { event: 'service-unmapped', service, code }, message);
    }
    this.#logged = active;
  }
}
