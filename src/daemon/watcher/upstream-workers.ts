import { deriveAbort } from '../../async/abort.js';
import { sleep } from '../../async/sleep.js';
import type { Address } from '../../core/address.js';
import { messageOf } from '../../core/errors.js';
import type { Log } from '../../core/ports.js';
import type { ChangedInstances } from '../../core/registrations.js';
import { type UpstreamId, upstreamId } from '../../core/upstream.js';
import type { UpstreamWorker } from './upstream-worker.js';

interface Running {
  readonly worker: UpstreamWorker;
  stop(): void;
}

/** After a defect, a loop waits this long before it goes on, in ms. */
const RESTART_DELAY = 1_000;

/** The workers of one NGINX: one for each upstream that a service feeds. */
export class UpstreamWorkers {
  readonly #nginx: string;
  readonly #log: Log;
  readonly #create: (id: UpstreamId, services: readonly string[]) => UpstreamWorker;
  readonly #running = new Map<UpstreamId, Running>();
  readonly #byService = new Map<string, UpstreamWorker[]>();
  readonly #endings = new Set<Promise<void>>();

  constructor(
    nginx: string,
    log: Log,
    create: (id: UpstreamId, services: readonly string[]) => UpstreamWorker,
  ) {
    this.#nginx = nginx;
    this.#log = log;
    this.#create = create;
  }

  *[Symbol.iterator](): Iterator<UpstreamWorker> {
    for (const { worker } of this.#running.values()) yield worker;
  }

  get upstreams(): readonly UpstreamId[] {
    return [...this.#running.keys()];
  }

  /** The services that feed any of the upstreams. */
  get services(): readonly string[] {
    return [...this.#byService.keys()];
  }

  worker(id: UpstreamId): UpstreamWorker | undefined {
    return this.#running.get(id)?.worker;
  }

  /** The workers whose upstreams the service feeds. */
  workersFor(service: string): readonly UpstreamWorker[] {
    return this.#byService.get(service) ?? [];
  }

  /** These instances have changed in etcd. */
  registrationsChanged(instances: ChangedInstances): void {
    const changed = new Map<UpstreamWorker, ReadonlySet<Address>>();
    for (const [service, addresses] of instances) {
      for (const worker of this.workersFor(service)) {
        const before = changed.get(worker);
        changed.set(worker, before ? new Set([...before, ...addresses]) : addresses);
      }
    }
    for (const [worker, addresses] of changed) worker.registrationsChanged(addresses);
  }

  /** Has a worker run for each of these upstreams, and for no other. Tells whether anything changed. */
  sync(feeds: ReadonlyMap<UpstreamId, readonly string[]>, signal: AbortSignal): boolean {
    let changed = false;
    for (const [id, running] of this.#running) {
      if (feeds.has(id)) continue;
      running.stop();
      this.#running.delete(id);
      changed = true;
    }
    for (const [id, services] of feeds) {
      const worker = this.worker(id);
      if (worker?.services.join() === services.join()) continue;
      changed = true;
      if (worker) worker.registrationsReplaced(services);
      else this.#start(id, services, signal);
    }
    if (changed) this.#index();
    return changed;
  }

  /** Resolves when every worker has stopped, once the signal is aborted. */
  async stopped(): Promise<void> {
    await Promise.all(this.#endings);
  }

  #index(): void {
    this.#byService.clear();
    for (const worker of this) {
      for (const service of worker.services) {
        this.#byService.set(service, [...this.workersFor(service), worker]);
      }
    }
  }

  #start(id: UpstreamId, services: readonly string[], signal: AbortSignal): void {
    const stop = deriveAbort(signal);
    const worker = this.#create(id, services);
    this.#running.set(id, { worker, stop: () => stop.abort() });
    const ending = this.#keepRunning(worker, stop.signal).finally(() => {
      stop.dispose();
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
  }

  /** A defect in one upstream's loop is logged as an error and ends nothing. */
  async #keepRunning(worker: UpstreamWorker, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await worker.run(signal);
      } catch (error) {
        const fields = { nginx: this.#nginx, upstream: upstreamId(worker.ref), reason: messageOf(error) };
        this.#log.error(
          { event: 'worker-failed', ...fields },
          'an unexpected error in the work on an upstream: it starts again',
        );
        await sleep(RESTART_DELAY, signal);
        worker.requestPass();
      }
    }
  }
}
