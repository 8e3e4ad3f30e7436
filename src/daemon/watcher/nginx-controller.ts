import { createSemaphore, type Semaphore } from '../../async/semaphore.js';
import { Wakeup } from '../../async/wakeup.js';
import { desiredServers } from '../../core/desired.js';
import { messageOf, NginxError } from '../../core/errors.js';
import { type Mapping, mapServices, type Topology } from '../../core/mapping.js';
import {
  type Clock,
  isGateway,
  type Log,
  type Meter,
  type NginxApi,
  type NginxIdentity,
} from '../../core/ports.js';
import type { Registrations } from '../../core/registrations.js';
import { KINDS, type Kind, type UpstreamId, upstreamRef } from '../../core/upstream.js';
import type { HealthMonitor } from './health-monitor.js';
import type { WatcherOptions } from './options.js';
import { PassReport } from './pass-report.js';
import { sameIdentity } from './reconcile.js';
import { backOff } from './settings.js';
import type { NginxStatus } from './status.js';
import { readTopology } from './topology.js';
import { pastStatus } from './upstream-status.js';
import { UpstreamWorker } from './upstream-worker.js';
import { UpstreamWorkers, type UpstreamWorkersContext } from './upstream-workers.js';

/** What every driver of a watcher shares. */
export interface NginxControllerContext {
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  /** A time of that clock as people read it: in ms since the epoch. */
  readonly shown: (at: number) => number;
  readonly health: HealthMonitor | undefined;
  readonly options: () => WatcherOptions;
  /** Undefined until etcd has been read once: before that nothing is written. */
  readonly registrations: () => Registrations | undefined;
  /** These services stand otherwise in this NGINX than before. */
  readonly progressed: (services: readonly string[]) => void;
  /** This NGINX feeds other services than before. */
  readonly remapped: () => void;
}

const NOTHING_MAPPED: Mapping = { feeds: new Map(), problems: [] };

/** Drives one NGINX: knows whether it is there and who it is, and gives each upstream that is fed a worker. */
export class NginxController {
  readonly #context: NginxControllerContext;
  readonly #api: NginxApi;
  readonly #gate: Semaphore;
  readonly #wakeup = new Wakeup();
  readonly #workers: UpstreamWorkers;
  #said: ReadonlySet<string> = new Set();
  #identity: NginxIdentity | undefined;
  #topology: Topology | undefined;
  #topologyAt = Number.NEGATIVE_INFINITY;
  /** The kinds whose groups are not known for sure. */
  #unread: ReadonlyMap<Kind, NginxError> = new Map();
  #mapping = NOTHING_MAPPED;
  /** The names that were mapped. */
  #names: object | undefined;
  #connected = false;
  #failures = 0;
  #error: string | undefined;
  /** What answers is not the API, or does not let us. */
  #refused = false;
  #lastSeenAt: number | undefined;
  #signal: AbortSignal | undefined;
  #lastCheckAt: number;

  constructor(api: NginxApi, context: NginxControllerContext) {
    this.#api = api;
    this.#gate = createSemaphore(context.options().timing.concurrency);
    this.#context = context;
    const create: UpstreamWorkersContext['create'] = (id, services) => this.#createWorker(id, services);
    this.#workers = new UpstreamWorkers({ nginx: api.name, log: context.log, create });
    this.#lastCheckAt = context.clock();
  }

  get name(): string {
    return this.#api.name;
  }

  /** When NGINX was last asked who it is, by the monotonic clock, whatever came of it: it shows that the loop moves. */
  get lastCheckAt(): number {
    return this.#lastCheckAt;
  }

  /** Whether NGINX answers and every upstream has been as wanted within `age` ms. */
  isMatched(age: number): boolean {
    const oldest = this.#context.clock() - age;
    return (
      this.#connected &&
      [...this.#workers].every(({ matchedAt }) => matchedAt !== undefined && matchedAt >= oldest)
    );
  }

  /** The upstreams that the service feeds here; undefined while that is not known. */
  fedBy(service: string): readonly UpstreamWorker[] | undefined {
    if (!this.#topology || this.#unread.size > 0) return undefined;
    return this.#workers.fedBy(new Set([service]));
  }

  /** Whether it is known that the service feeds nothing here. */
  ignores(service: string): boolean {
    return this.fedBy(service)?.length === 0;
  }

  /** The kind of the upstream here that the service feeds and whose servers this NGINX does not check itself, if there is one. */
  leavesUnchecked(service: string): Kind | undefined {
    if (!isGateway(this.#identity?.build ?? '')) return undefined;
    const kinds = new Set(this.#workers.fedBy(new Set([service])).map(({ ref }) => ref.kind));
    // What serves both is looked at in the way that fits both.
    return KINDS.find((kind) => kinds.has(kind));
  }

  /** Every upstream that is driven. */
  get upstreams(): readonly UpstreamId[] {
    return this.#workers.upstreams;
  }

  /** The services that feed them. */
  get services(): readonly string[] {
    return this.#workers.services;
  }

  /** How many servers the guard holds here of the groups that the service feeds. */
  heldOf(service: string): number {
    return this.#workers.fedBy(new Set([service])).reduce((sum, { heldCount }) => sum + heldCount, 0);
  }

  registrationsChanged(services: ReadonlySet<string>): void {
    // Which services there are decides what is mapped; most changes are of instances.
    if (this.#context.registrations()?.names !== this.#names) this.remap();
    for (const worker of this.#workers.fedBy(services)) worker.registrationsChanged();
  }

  /** Wakes the workers of the service, as its servers' health has changed. */
  healthChanged(service: string): void {
    for (const worker of this.#workers.fedBy(new Set([service]))) worker.wake();
  }

  unhold(service: string): void {
    for (const worker of this.#workers.fedBy(new Set([service]))) worker.unhold();
  }

  status(): NginxStatus {
    return {
      name: this.name,
      connected: this.#connected,
      ...(this.#identity ? { version: this.#identity.version, generation: this.#identity.generation } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error, refused: this.#refused }),
      ...(this.#lastSeenAt === undefined ? {} : { lastSeenAgo: this.#context.clock() - this.#lastSeenAt }),
      problems: this.#mapping.problems,
      upstreams: [...this.#workers].map((worker) =>
        this.#connected ? worker.status() : pastStatus(worker.status()),
      ),
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
    await this.#workers.ended();
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
    this.#lastSeenAt = this.#context.clock();
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
    if (changed) for (const worker of this.#workers) worker.reset();
    else if (returned) for (const worker of this.#workers) worker.wake();
  }

  #away(error: unknown): void {
    const { log, meter } = this.#context;
    this.#failures++;
    this.#error = messageOf(error);
    // An answer came, so it is there: it is not the API, or does not let us in, and waiting alone will not help.
    this.#refused = error instanceof NginxError && isAnswer(error);
    if (!(error instanceof NginxError)) {
      log.error({ event: 'controller-failed', nginx: this.name, reason: this.#error }, 'unexpected error');
    } else if (this.#connected || this.#failures === 1) {
      const fields = { nginx: this.name, code: error.code, reason: error.message };
      if (this.#refused) {
        log.warn({ event: 'nginx-unusable', ...fields }, 'what answers is not the NGINX API as it should be');
      } else {
        log.warn(
          { event: 'nginx-unavailable', ...fields },
          'NGINX does not answer: trying again until it does',
        );
      }
    }
    this.#connected = false;
    meter.gauge('sidekick_nginx_up', 0, { nginx: this.name });
  }

  /** Decides anew which services feed which upstreams, and starts and stops workers accordingly. */
  remap(): void {
    const registrations = this.#context.registrations();
    if (!registrations || !this.#topology || !this.#signal || this.#signal.aborted) return;
    const { upstreams } = this.#context.options();
    this.#names = registrations.names;
    this.#mapping = mapServices(registrations.services, upstreams, this.#topology);
    this.#sayProblems();
    if (this.#workers.feed(this.#mapping.feeds, this.#signal)) this.#context.remapped();
  }

  #createWorker(id: UpstreamId, services: () => readonly string[]): UpstreamWorker {
    const { clock, shown, log, meter, health, options } = this.#context;
    const ref = upstreamRef(id);
    return new UpstreamWorker({
      ref,
      api: this.#api,
      gate: this.#gate,
      report: new PassReport(this.name, ref, log, meter),
      clock,
      shown,
      options,
      services,
      desired: () => {
        const registrations = this.#context.registrations();
        return registrations ? desiredServers(registrations, services()) : new Map();
      },
      health: () => health?.lookup(services()),
      identity: () => (this.#connected ? this.#identity : undefined),
      suspect: () => this.#wakeup.wake(),
      passed: () => this.#context.progressed(services()),
    });
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

/** An answer that will stay what it is; a server that is overloaded or starts (5xx, 408, 429) is one to wait for. */
function isAnswer({ code, status }: NginxError): boolean {
  if (status === undefined) return code === 'BadAnswer';
  return status < 500 && status !== 408 && status !== 429;
}
