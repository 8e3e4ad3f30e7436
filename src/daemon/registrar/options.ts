import type { HealthPolicy } from '../../core/health.js';
import type { KeyPrefixes } from '../../core/keys.js';
import type {
  Clock,
  Log,
  Meter,
  Probe,
  RegistryClient,
  RegistryReader,
  WallClock,
} from '../../core/ports.js';
import type { Registration } from '../../core/registration.js';

/** How long a drain waits for the watchers unless configured otherwise, in ms. */
export const DEFAULT_DRAIN_TIMEOUT = 30_000;

/** One service of this host: what to register, and how to find out whether it is healthy. */
export interface ServiceSpec {
  /** The registrar itself sets `drain` when it ends; give false. */
  readonly registration: Registration;
  readonly probe: Probe;
  /** Identifies the probe: a service whose `probeId` and policy are the same after a reconfiguration keeps its health. */
  readonly probeId: string;
  readonly health: HealthPolicy;
}

export interface RegistrarOptions {
  /** Fixed for the process's life: a reconfiguration does not change it. */
  readonly prefixes: KeyPrefixes;
  /** The lease's time to live, in ms. Fixed for the process's life as well. */
  readonly leaseTtl: number;
  /** One for each `<service>/<address>`; none while no address is known. */
  readonly services: readonly ServiceSpec[];
  /** How long a drain waits for the watchers' acknowledgements, in ms. It should be no less than the watchers' own. */
  readonly drainTimeout: number;
}

/** What a registrar works with. */
export interface RegistrarPorts {
  readonly store: RegistryClient;
  readonly reader: RegistryReader;
  /** Published in etcd with the status of each instance. Left out: nothing is published. */
  readonly version?: string;
  readonly wallClock?: WallClock;
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
}
