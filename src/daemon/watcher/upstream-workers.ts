import { sleep } from '../../async/sleep.js';
import { messageOf } from '../../core/errors.js';
import type { Log } from '../../core/ports.js';
import { type UpstreamId, upstreamId } from '../../core/upstream.js';
import type { UpstreamWorker } from './upstream-worker.js';

interface Running {
  readonly worker: UpstreamWorker;
  services: readonly string[];
  readonly stop: AbortController;
}

export interface UpstreamWorkersContext {
  readonly nginx: string;
  readonly log: Log;
  /** Makes a worker; `services` tells which services feed its upstream, now. */
  readonly create: (id: UpstreamId, services: () => readonly string[]) => UpstreamWorker;
}

/** After an error that should not be, a loop waits this long before it goes on, in ms. */
const AFTER_SURPRISE = 1_000;

/** The workers of one NGINX: one for each upstream that is fed. */
export class UpstreamWorkers {
  readonly #context: UpstreamWorkersContext;
  readonly #running = new Map<UpstreamId, Running>();
  readonly #endings = new Set<Promise<void>>();

  constructor(context: UpstreamWorkersContext) {
    this.#context = context;
  }

  *[Symbol.iterator](): Iterator<UpstreamWorker> {
    for (const { worker } of this.#running.values()) yield worker;
  }

  get upstreams(): readonly UpstreamId[] {
    return [...this.#running.keys()];
  }

  /** The services that feed any of the upstreams. */
  get services(): readonly string[] {
    return [...new Set([...this.#running.values()].flatMap(({ services }) => services))];
  }

  /** The workers whose upstreams any of these services feeds. */
  fedBy(services: ReadonlySet<string>): readonly UpstreamWorker[] {
    return [...this.#running.values()]
      .filter((running) => running.services.some((service) => services.has(service)))
      .map(({ worker }) => worker);
  }

  /** Has a worker run for each of these upstreams, and for no other. Tells whether anything changed. */
  feed(feeds: ReadonlyMap<UpstreamId, readonly string[]>, signal: AbortSignal): boolean {
    let changed = false;
    for (const [id, { stop }] of this.#running) {
      if (feeds.has(id)) continue;
      stop.abort();
      this.#running.delete(id);
      changed = true;
    }
    for (const [id, services] of feeds) {
      const running = this.#running.get(id);
      if (running?.services.join() === services.join()) continue;
      changed = true;
      if (!running) {
        this.#start(id, services, signal);
        continue;
      }
      running.services = services;
      running.worker.registrationsChanged();
    }
    return changed;
  }

  /** Resolves when every worker has ended, once the signal is aborted. */
  async ended(): Promise<void> {
    await Promise.all(this.#endings);
  }

  #start(id: UpstreamId, services: readonly string[], signal: AbortSignal): void {
    const stop = new AbortController();
    const onAbort = () => stop.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    const worker = this.#context.create(id, () => running.services);
    const running: Running = { worker, services, stop };
    this.#running.set(id, running);
    const ending = this.#keepRunning(worker, stop.signal).finally(() => {
      signal.removeEventListener('abort', onAbort);
      this.#endings.delete(ending);
    });
    this.#endings.add(ending);
  }

  /** A defect in one upstream's loop is said loudly and ends nothing. */
  async #keepRunning(worker: UpstreamWorker, signal: AbortSignal): Promise<void> {
    const { nginx, log } = this.#context;
    while (!signal.aborted) {
      try {
        await worker.run(signal);
      } catch (error) {
        const fields = { nginx, upstream: upstreamId(worker.ref), reason: messageOf(error) };
        log.error({ event: 'worker-failed', ...fields }, 'unexpected error');
        await sleep(AFTER_SURPRISE, signal);
      }
    }
  }
}
