import { aborted } from '../../async/abort.js';
import type { PendingAck } from '../../core/drain-acks.js';
import { registrationKey } from '../../core/keys.js';
import { LeaseSession } from '../lease/session.js';
import { StatusPublisher } from '../status-publisher.js';
import { drainAndWait } from './drain-and-wait.js';
import { InstanceStatuses } from './instance-statuses.js';
import { MaintenanceTracker } from './maintenance-tracker.js';
import type { RegistrarOptions, RegistrarPorts, ServiceSpec } from './options.js';
import { ServiceWorker } from './service-worker.js';
import { isReady, type RegistrarStatus } from './status.js';

/** Keeps this host's services in etcd, each for as long as it is healthy. */
export class Registrar {
  readonly #ports: RegistrarPorts;
  readonly #session: LeaseSession;
  readonly #maintenance: MaintenanceTracker;
  readonly #workers = new Map<string, ServiceWorker>();
  /** Services that the configuration no longer has, while they are drained; each with what cancels its removal. */
  readonly #removing = new Map<
    string,
    { readonly worker: ServiceWorker; readonly cancel: AbortController }
  >();
  readonly #removals = new Set<Promise<void>>();
  #options: RegistrarOptions;
  #phase: RegistrarStatus['phase'] = 'running';
  #pending: readonly PendingAck[] = [];

  constructor(options: RegistrarOptions, ports: RegistrarPorts) {
    this.#options = options;
    this.#ports = ports;
    const { prefixes, leaseTtl } = options;
    this.#session = new LeaseSession({ ...ports, leaseTtl });
    const instances = () => [...this.#workers.values()].map(({ instance }) => instance);
    this.#maintenance = new MaintenanceTracker({ ...ports, prefixes, instances });
  }

  /** When a call about the lease last ended, in ms by the `clock`: for `/healthz` and systemd's watchdog. */
  get lastProgress(): number {
    return this.#session.lastProgress;
  }

  /**
   * Runs until `stop` is aborted, then drains and ends; `kill` ends at once, also while draining. Either way the lease
   * is revoked, within a bound. Resolves when done; never rejects because of etcd or of a probe.
   */
  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    const end = new AbortController();
    const session = this.#session.run(end.signal);
    for (const spec of this.#options.services) this.#add(spec);
    const maintenance = this.#maintenance.run(end.signal);
    const publishing = this.#publishStatus(end.signal);
    try {
      await Promise.race([aborted(stop), aborted(kill), session]);
      if (!kill.aborted) await Promise.race([this.#drainAll(kill), session]);
    } finally {
      for (const { cancel } of this.#removing.values()) cancel.abort();
      end.abort();
      await Promise.all([...this.#workers.values()].map((worker) => worker.end()));
      await Promise.all(this.#removals);
      await Promise.all([session, maintenance, publishing]);
      this.#phase = 'stopped';
    }
  }

  /** Takes other services and another drain timeout; only what differs changes. Ignored once stopping. */
  reconfigure({ services, drainTimeout }: Pick<RegistrarOptions, 'services' | 'drainTimeout'>): void {
    if (this.#phase !== 'running') return;
    this.#options = { ...this.#options, services, drainTimeout };
    const wanted = new Map(services.map((spec) => [this.#keyOf(spec), spec]));
    for (const [key, worker] of this.#workers) if (!wanted.has(key)) this.#startRemoval(worker);
    for (const [key, spec] of wanted) {
      const present = this.#workers.get(key) ?? this.#cancelRemoval(key);
      if (present) present.update(spec);
      else this.#add(spec);
    }
  }

  status(): RegistrarStatus {
    const status = {
      phase: this.#phase,
      connected: this.#session.lease !== undefined,
      etcd: this.#session.etcd,
      services: [...this.#workers.values()].map((worker) => {
        const maintenance = this.#maintenance.of(worker.instance);
        return { ...worker.status(), ...(maintenance === undefined ? {} : { maintenance }) };
      }),
      waitingFor: [...new Set(this.#pending.map(({ watcher }) => watcher))],
    };
    return { ...status, ready: isReady(status) };
  }

  async #publishStatus(signal: AbortSignal): Promise<void> {
    const { store, log, version, wallClock } = this.#ports;
    if (version === undefined || wallClock === undefined) return;
    const status = new InstanceStatuses(this.#options.prefixes, version, wallClock);
    await new StatusPublisher({
      store,
      log,
      lease: () => this.#session.lease,
      status: () => status.of([...this.#workers.values()].map((worker) => worker.status())),
    }).run(signal);
  }

  #keyOf({ registration }: ServiceSpec): string {
    return registrationKey(this.#options.prefixes, registration);
  }

  #add(spec: ServiceSpec): void {
    const { log, meter } = this.#ports;
    const { prefixes } = this.#options;
    const worker = new ServiceWorker(spec, { session: this.#session, prefixes, log, meter });
    this.#workers.set(worker.key, worker);
    worker.start();
  }

  /** Drains one service as a stop does, and then deletes its key; the others go on. */
  #startRemoval(worker: ServiceWorker): void {
    this.#workers.delete(worker.key);
    const cancel = new AbortController();
    this.#removing.set(worker.key, { worker, cancel });
    const removal = this.#remove(worker, cancel.signal).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  async #remove(worker: ServiceWorker, signal: AbortSignal): Promise<void> {
    await this.#drain([worker], signal);
    if (signal.aborted) return;
    this.#removing.delete(worker.key);
    this.#session.unset(worker.key);
    await worker.end();
  }

  /** The worker of a service that is wanted again while it is being removed: it stays. Undefined where there is none. */
  #cancelRemoval(key: string): ServiceWorker | undefined {
    const removing = this.#removing.get(key);
    if (!removing) return undefined;
    removing.cancel.abort();
    this.#removing.delete(key);
    this.#workers.set(key, removing.worker);
    return removing.worker;
  }

  async #drainAll(kill: AbortSignal): Promise<void> {
    this.#phase = 'draining';
    const removing = [...this.#removing.values()].map(({ worker }) => worker);
    await this.#drain([...this.#workers.values(), ...removing], kill);
  }

  /** Resolves when the drain is done, timed out or aborted. */
  async #drain(workers: readonly ServiceWorker[], signal: AbortSignal): Promise<void> {
    const { prefixes, drainTimeout: timeout } = this.#options;
    const onPending = (pending: readonly PendingAck[]) => {
      if (this.#phase === 'draining') this.#pending = pending;
    };
    const options = { ...this.#ports, session: this.#session, prefixes, timeout, onPending };
    try {
      await drainAndWait(workers, options, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
