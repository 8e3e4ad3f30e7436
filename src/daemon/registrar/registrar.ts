import { aborted } from '../../async/abort.js';
import type { PendingAck } from '../../core/drain-acks.js';
import { registrationKey } from '../../core/keys.js';
import { createLeaseSession } from '../lease/session.js';
import type { LeaseSession } from '../lease/types.js';
import { drainAndWait } from './drain-and-wait.js';
import { MaintenanceTracker } from './maintenance-tracker.js';
import { ServiceWorker } from './service-worker.js';
import type { Registrar, RegistrarOptions, RegistrarPorts, RegistrarStatus, ServiceSpec } from './types.js';

/** Keeps this host's services in etcd, each for as long as it is healthy. */
export function createRegistrar(config: RegistrarOptions, options: RegistrarPorts): Registrar {
  return new EtcdRegistrar(config, options);
}

class EtcdRegistrar implements Registrar {
  readonly #options: RegistrarPorts;
  readonly #keeper: LeaseSession;
  readonly #maintenance: MaintenanceTracker;
  readonly #workers = new Map<string, ServiceWorker>();
  /** Services that the configuration no longer has, on their way out; each with what ends its wait early. */
  readonly #leaving = new Map<string, { readonly worker: ServiceWorker; readonly cancel: AbortController }>();
  readonly #departures = new Set<Promise<void>>();
  #config: RegistrarOptions;
  #phase: RegistrarStatus['phase'] = 'running';
  #debts: readonly PendingAck[] = [];

  constructor(config: RegistrarOptions, options: RegistrarPorts) {
    this.#config = config;
    this.#options = options;
    this.#keeper = createLeaseSession(options);
    const { store, space, log } = options;
    const instances = () => [...this.#workers.values()].map(({ instance }) => instance);
    this.#maintenance = new MaintenanceTracker({ store, space, log, instances });
  }

  get lastProgress(): number {
    return this.#keeper.lastProgress;
  }

  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    const end = new AbortController();
    const keeping = this.#keeper.run(end.signal);
    for (const spec of this.#config.services) this.#add(spec);
    const looking = this.#maintenance.run(end.signal);
    try {
      await Promise.race([aborted(stop), aborted(kill), keeping]);
      if (!kill.aborted) await Promise.race([this.#drain(kill), keeping]);
    } finally {
      for (const { cancel } of this.#leaving.values()) cancel.abort();
      end.abort();
      await Promise.all([...this.#workers.values()].map((worker) => worker.end()));
      await Promise.all(this.#departures);
      await Promise.all([keeping, looking]);
      this.#phase = 'stopped';
    }
  }

  reconfigure(next: RegistrarOptions): void {
    if (this.#phase !== 'running') return;
    this.#config = next;
    const wanted = new Map(
      next.services.map((spec) => [registrationKey(this.#options.space, spec.registration), spec]),
    );
    for (const [key, worker] of this.#workers) if (!wanted.has(key)) this.#dismiss(worker);
    for (const [key, spec] of wanted) {
      const present = this.#workers.get(key) ?? this.#recall(key);
      if (present) present.update(spec);
      else this.#add(spec);
    }
  }

  status(): RegistrarStatus {
    const services = [...this.#workers.values()].map((worker) => {
      const maintenance = this.#maintenance.of(worker.instance);
      return { ...worker.status(), ...(maintenance === undefined ? {} : { maintenance }) };
    });
    const connected = this.#keeper.lease !== undefined;
    const inPlace = services.every(({ health, key }) => health === 'unhealthy' || key === 'registered');
    return {
      phase: this.#phase,
      connected,
      etcd: this.#keeper.etcd,
      ready: this.#phase === 'running' && connected && inPlace,
      services,
      waitingFor: [...new Set(this.#debts.map(({ watcher }) => watcher))],
    };
  }

  #add(spec: ServiceSpec): void {
    const { space, log, meter } = this.#options;
    const worker = new ServiceWorker(spec, { keeper: this.#keeper, space, log, meter });
    this.#workers.set(worker.key, worker);
    worker.start();
  }

  /** Takes one service out as a stop does, and then its key away; the others go on. */
  #dismiss(worker: ServiceWorker): void {
    this.#workers.delete(worker.key);
    const cancel = new AbortController();
    this.#leaving.set(worker.key, { worker, cancel });
    const departure = this.#depart([worker], cancel.signal)
      .catch((error: unknown) => {
        if (!cancel.signal.aborted) throw error;
      })
      .then(async () => {
        if (cancel.signal.aborted) return;
        this.#leaving.delete(worker.key);
        this.#keeper.unset(worker.key);
        await worker.end();
      })
      .finally(() => this.#departures.delete(departure));
    this.#departures.add(departure);
  }

  /** A service that is wanted again while it is on its way out stays. */
  #recall(key: string): ServiceWorker | undefined {
    const leaving = this.#leaving.get(key);
    if (!leaving) return undefined;
    leaving.cancel.abort();
    this.#leaving.delete(key);
    this.#workers.set(key, leaving.worker);
    return leaving.worker;
  }

  async #drain(kill: AbortSignal): Promise<void> {
    this.#phase = 'draining';
    const workers = [...this.#workers.values(), ...[...this.#leaving.values()].map(({ worker }) => worker)];
    await this.#depart(workers, kill).catch((error: unknown) => {
      if (!kill.aborted) throw error;
    });
  }

  #depart(workers: readonly ServiceWorker[], signal: AbortSignal): Promise<void> {
    const { reader, store, space, log, clock } = this.#options;
    const onDebts = (debts: readonly PendingAck[]) => {
      if (this.#phase === 'draining') this.#debts = debts;
    };
    const timeout = this.#config.drainTimeout;
    return drainAndWait(
      workers,
      { keeper: this.#keeper, reader, store, space, log, clock, timeout, onDebts },
      signal,
    );
  }
}
