import { desiredServers } from '../../core/desired.js';
import { messageOf, NginxError } from '../../core/errors.js';
import { type Kind, type UpstreamId, upstreamId, upstreamRef } from '../../core/kind.js';
import { type Mapping, mapServices, type Topology } from '../../core/mapping.js';
import type { Clock, Log, Meter, NginxApi, NginxIdentity } from '../../core/ports.js';
import type { Registrations } from '../../core/registrations.js';
import type { WatcherOptions } from '../watcher-options.js';
import type { NginxStatus } from '../watcher-status.js';
import { createGate, type Gate } from './gate.js';
import type { HealthMonitor } from './health-monitor.js';
import { PassReport } from './pass-report.js';
import { pause } from './pause.js';
import { sameIdentity } from './reconcile.js';
import { backOff } from './settings.js';
import { readTopology } from './topology.js';
import { UpstreamWorker } from './upstream-worker.js';
import { Wakeup } from './wakeup.js';

/** What every driver of a watcher shares. */
export interface DriverContext {
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly health: HealthMonitor | undefined;
  readonly options: () => WatcherOptions;
  /** Undefined until etcd has been read once: before that nothing is written. */
  readonly registrations: () => Registrations | undefined;
  /** These services stand otherwise in this NGINX than before. */
  readonly progressed: (services: readonly string[]) => void;
  /** This NGINX feeds other services than before. */
  readonly remapped: () => void;
}

interface Running {
  readonly worker: UpstreamWorker;
  services: readonly string[];
  readonly stop: AbortController;
}

const NOTHING_MAPPED: Mapping = { feeds: new Map(), problems: [] };

/** After an error that should not be, a loop waits this long before it goes on, in ms. */
const AFTER_SURPRISE = 1_000;

/** Drives one NGINX: knows whether it is there and who it is, and gives each upstream that is fed a worker. */
export class NginxDriver {
  readonly #context: DriverContext;
  readonly #api: NginxApi;
  readonly #gate: Gate;
  readonly #wakeup = new Wakeup();
  readonly #workers = new Map<UpstreamId, Running>();
  readonly #endings = new Set<Promise<void>>();
  #said: ReadonlySet<string> = new Set();
  #identity: NginxIdentity | undefined;
  #topology: Topology | undefined;
  #topologyAt = 0;
  /** The kinds whose groups are not known for sure. */
  #unread: ReadonlyMap<Kind, NginxError> = new Map();
  #mapping = NOTHING_MAPPED;
  #connected = false;
  #failures = 0;
  #error: string | undefined;
  #signal: AbortSignal | undefined;
  #lastCheckAt: number;

  constructor(api: NginxApi, context: DriverContext) {
    this.#api = api;
    this.#gate = createGate(context.options().timing.concurrency);
    this.#context = context;
    this.#lastCheckAt = context.clock();
  }

  get name(): string {
    return this.#api.name;
  }

  /** When NGINX was last asked who it is, in ms since the epoch, whatever came of it: it shows that the loop moves. */
  get lastCheckAt(): number {
    return this.#lastCheckAt;
  }

  /** Whether NGINX answers and every upstream has been as wanted within `age` ms. */
  isMatched(age: number): boolean {
    const oldest = this.#context.clock() - age;
    const workers = [...this.#workers.values()];
    return this.#connected && workers.every(({ worker }) => (worker.matchedAt ?? 0) >= oldest);
  }

  /** The upstreams that the service feeds here; undefined while that is not known. */
  fedBy(service: string): readonly UpstreamWorker[] | undefined {
    if (!this.#topology || this.#unread.size > 0) return undefined;
    return this.#fedBy(service);
  }

  #fedBy(service: string): readonly UpstreamWorker[] {
    return [...this.#workers.values()]
      .filter(({ services }) => services.includes(service))
      .map(({ worker }) => worker);
  }

  /** Every upstream that is driven. */
  get upstreams(): readonly UpstreamId[] {
    return [...this.#workers.keys()];
  }

  get services(): readonly string[] {
    return [...new Set([...this.#workers.values()].flatMap(({ services }) => services))];
  }

  registrationsChanged(services: ReadonlySet<string>): void {
    this.remap();
    for (const running of this.#workers.values()) {
      if (running.services.some((service) => services.has(service))) running.worker.registrationsChanged();
    }
  }

  /** Wakes the workers of the services, as their servers' health has changed. */
  healthChanged(service: string): void {
    for (const worker of this.#fedBy(service)) worker.wake();
  }

  release(service: string): void {
    for (const worker of this.#fedBy(service)) worker.release();
  }

  status(): NginxStatus {
    return {
      name: this.name,
      connected: this.#connected,
      ...(this.#identity ? { version: this.#identity.version, generation: this.#identity.generation } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error }),
      problems: this.#mapping.problems,
      upstreams: [...this.#workers.values()].map(({ worker }) => worker.status()),
    };
  }

  /** Runs until aborted; then ends when the calls under way have ended. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    while (!signal.aborted) {
      await this.#check(signal);
      this.#lastCheckAt = this.#context.clock();
      const { timing } = this.#context.options();
      const wait = this.#connected ? timing.identity : backOff(this.#failures, timing.retry);
      await this.#wakeup.wait(wait, signal);
    }
    await Promise.all(this.#endings);
  }

  async #check(signal: AbortSignal): Promise<void> {
    try {
      const identity = await this.#api.identity(signal);
      const changed = !this.#identity || !sameIdentity(identity, this.#identity);
      const due = this.#context.clock() - this.#topologyAt >= this.#context.options().timing.resync;
      if (changed || due) {
        const reading = await readTopology(this.#api, this.#topology, signal);
        this.#topology = reading.topology;
        this.#unread = reading.failed;
        // What could not be read is asked for again with the next look at who NGINX is.
        this.#topologyAt = reading.failed.size > 0 ? Number.NEGATIVE_INFINITY : this.#context.clock();
      }
      this.#present(identity, changed);
    } catch (error) {
      if (signal.aborted) return;
      this.#away(error);
    }
  }

  #present(identity: NginxIdentity, changed: boolean): void {
    const { log, meter } = this.#context;
    const labels = { nginx: this.name };
    const before = this.#identity;
    const returned = !this.#connected;
    this.#identity = identity;
    this.#connected = true;
    this.#failures = 0;
    this.#error = undefined;
    meter.gauge('sidekick_nginx_up', 1, labels);
    if (changed && before) {
      meter.count('sidekick_nginx_reloads_total', labels);
      log.info(
        { event: 'nginx-reloaded', ...labels, generation: identity.generation },
        'NGINX was reloaded or restarted',
      );
    }
    if (returned) {
      log.info({ event: 'nginx-connected', ...labels, version: identity.version }, 'NGINX answers');
    }
    this.remap();
    if (changed) for (const { worker } of this.#workers.values()) worker.reset();
    else if (returned) for (const { worker } of this.#workers.values()) worker.wake();
  }

  #away(error: unknown): void {
    const { log, meter } = this.#context;
    this.#failures++;
    this.#error = messageOf(error);
    if (!(error instanceof NginxError)) {
      log.error({ event: 'driver-failed', nginx: this.name, reason: this.#error }, 'unexpected error');
    } else if (this.#connected || this.#failures === 1) {
      const fields = { nginx: this.name, code: error.code, reason: error.message };
      log.warn({ event: 'nginx-away', ...fields }, 'NGINX does not answer: trying again until it does');
    }
    this.#connected = false;
    meter.gauge('sidekick_nginx_up', 0, { nginx: this.name });
  }

  /** Decides anew which services feed which upstreams, and starts and stops workers accordingly. */
  remap(): void {
    const registrations = this.#context.registrations();
    if (!registrations || !this.#topology || !this.#signal || this.#signal.aborted) return;
    const { upstreams } = this.#context.options();
    this.#mapping = mapServices(registrations.services, upstreams, this.#topology);
    this.#sayProblems();
    const before = JSON.stringify([...this.#workers].map(([id, { services }]) => [id, services]));
    for (const [id, { stop }] of this.#workers) {
      if (this.#mapping.feeds.has(id)) continue;
      stop.abort();
      this.#workers.delete(id);
    }
    for (const [id, services] of this.#mapping.feeds) this.#feed(id, services, this.#signal);
    const after = JSON.stringify([...this.#workers].map(([id, { services }]) => [id, services]));
    if (before !== after) this.#context.remapped();
  }

  #feed(id: UpstreamId, services: readonly string[], signal: AbortSignal): void {
    const running = this.#workers.get(id);
    if (!running) {
      this.#workers.set(id, this.#start(id, services, signal));
    } else if (running.services.join() !== services.join()) {
      running.services = services;
      running.worker.registrationsChanged();
    }
  }

  #start(id: UpstreamId, services: readonly string[], signal: AbortSignal): Running {
    const { clock, log, meter, health, options } = this.#context;
    const ref = upstreamRef(id);
    const stop = new AbortController();
    const onAbort = () => stop.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const worker = new UpstreamWorker({
      ref,
      api: this.#api,
      gate: this.#gate,
      report: new PassReport(this.name, ref, log, meter),
      clock,
      options,
      services: () => running.services,
      desired: () => {
        const registrations = this.#context.registrations();
        return registrations ? desiredServers(registrations, running.services) : new Map();
      },
      health: () => health?.lookup(running.services),
      identity: () => (this.#connected ? this.#identity : undefined),
      suspect: () => this.#wakeup.wake(),
      passed: () => this.#context.progressed(running.services),
    });
    const running: Running = { worker, services, stop };
    const ending = this.#keepRunning(worker, stop.signal).finally(() => {
      signal.removeEventListener('abort', onAbort);
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
    return running;
  }

  /** A defect in one upstream's loop is said loudly and ends nothing. */
  async #keepRunning(worker: UpstreamWorker, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await worker.run(signal);
      } catch (error) {
        const fields = { nginx: this.name, upstream: upstreamId(worker.ref), reason: messageOf(error) };
        this.#context.log.error({ event: 'worker-failed', ...fields }, 'unexpected error');
        await pause(AFTER_SURPRISE, signal);
      }
    }
  }

  /** Each problem once, until it is over. A service may feed a kind that cannot be read, so nothing is said of it yet. */
  #sayProblems(): void {
    const problems = this.#unread.size > 0 ? [] : this.#mapping.problems;
    const unread = [...this.#unread].map(([kind, { code, message }]) => ({ kind, code, reason: message }));
    const now = new Map<string, () => void>();
    const { log } = this.#context;
    for (const fields of unread) {
      const said = { event: 'upstreams-unreadable', nginx: this.name, ...fields };
      now.set(fields.kind, () => log.warn(said, 'NGINX does not list its upstreams: keeping to those known'));
    }
    for (const { service, code, message } of problems) {
      const said = { event: 'service-unmapped', nginx: this.name, service, code };
      now.set(message, () => log.warn(said, message));
    }
    for (const [what, say] of now) if (!this.#said.has(what)) say();
    this.#said = new Set(now.keys());
  }
}
