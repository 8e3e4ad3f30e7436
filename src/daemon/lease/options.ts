import type { Clock, Log, Meter, RegistryClient } from '../../core/ports.js';

/** The lease's time to live unless configured otherwise, in ms. */
export const DEFAULT_LEASE_TTL = 15_000;

export interface LeaseOptions {
  readonly store: RegistryClient;
  /** Time to live of the lease, in ms; etcd keeps whole seconds, at least 1. It is kept alive every third of it. */
  readonly leaseTtl: number;
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  /** 0 to 1, for jitter; default Math.random. */
  readonly random?: () => number;
  /** How long the revocation at the end may take, in ms; default 2000. After that, the lease ends by its TTL. */
  readonly revokeTimeout?: number;
}
