import type { EtcdCondition } from '../../core/etcd-state.js';
import type { HealthPolicy } from '../../core/health.js';
import type { KeyPrefixes } from '../../core/keys.js';
import type { Maintenance } from '../../core/maintenance.js';
import type { Clock, Log, Meter, Probe, RegistryClient, RegistryReader } from '../../core/ports.js';
import type { Registration } from '../../core/registration.js';

/** How long a stop waits for the watchers unless configured otherwise, in ms. */
export const DEFAULT_DRAIN_TIMEOUT = 30_000;

/** One service of this host: what to register, and how to know that it is healthy. */
export interface ServiceSpec {
  /** `drain` is the registrar's own to set at the end; give false. */
  readonly registration: Registration;
  readonly probe: Probe;
  /** Tells two probes apart: a service whose `probeId` and policy stay the same over a reconfiguration keeps its health. */
  readonly probeId: string;
  readonly health: HealthPolicy;
}

/** What a configuration file decides and a reload may change. */
export interface RegistrarOptions {
  /** One for each `<service>/<address>`; none while no address is known. */
  readonly services: readonly ServiceSpec[];
  /** How long the stop waits for the watchers' answers, in ms; default 30 000. At least their own drain time is wise. */
  readonly drainTimeout: number;
}

export interface RegistrarPorts {
  readonly store: RegistryClient;
  readonly reader: RegistryReader;
  readonly space: KeyPrefixes;
  /** The lease's time to live, in ms; default 15 000. Fixed for the process's life. */
  readonly ttl: number;
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
}

/** One service as `/status` shows it. */
export interface ServiceStatus {
  readonly service: string;
  readonly address: string;
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** Why the last probe failed, if it did; else why etcd refuses the key, or what holds it instead. */
  readonly reason?: string;
  /** `registered`: in etcd under our lease. `pending`: to be written. `superseded`: a newer process holds the address.
   * `refused`: etcd does not let us. */
  readonly key: 'registered' | 'pending' | 'absent' | 'superseded' | 'refused';
  /** An operator has it drained: who, when and why. */
  readonly maintenance?: Maintenance;
}

export interface RegistrarStatus {
  readonly phase: 'running' | 'draining' | 'stopped';
  /** etcd answered last time, and the lease lives. */
  readonly connected: boolean;
  readonly etcd: EtcdCondition;
  /** Every healthy service is registered by this process, and at least one look has been had at each. */
  readonly ready: boolean;
  readonly services: readonly ServiceStatus[];
  /** While draining: the watchers whose answers are waited for. */
  readonly waitingFor: readonly string[];
}

/** A running registrar. */
export interface Registrar {
  /**
   * Runs until `stop` is aborted, then drains and ends; `kill` ends at once, also while draining. Either way the lease
   * is revoked, within a bound. Resolves when done; never rejects because of etcd or of a probe.
   */
  run(stop: AbortSignal, kill: AbortSignal): Promise<void>;
  /** Takes a new configuration; only what differs changes. Ignored once stopping. */
  reconfigure(next: RegistrarOptions): void;
  status(): RegistrarStatus;
  /** Milliseconds since the epoch at which the loops last moved: for `/healthz` and systemd's watchdog. */
  readonly lastProgress: number;
}

/** The factory's type: `createRegistrar(config, options)` in registrar.ts. */
export type CreateRegistrar = (config: RegistrarOptions, options: RegistrarPorts) => Registrar;
