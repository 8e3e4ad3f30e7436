import type { Address } from '../../core/address.js';
import type { Cause } from '../../core/cause.js';
import type { HealthLookup } from '../../core/health.js';
import type { Instance } from '../../core/keys.js';
import type { Clock, Log, Meter } from '../../core/ports.js';
import type { Registrations } from '../../core/registrations.js';
import type { WatcherOptions } from './options.js';

/** What every part of a watcher works with. */
export interface WatcherDeps {
  readonly log: Log;
  readonly meter: Meter;
  /** The monotonic clock that all times are measured by, in ms. */
  readonly clock: Clock;
  /** Turns a time of that clock into milliseconds since the epoch, for people. */
  readonly toWallTime: (at: number) => number;
  /** What the load balancer's own probes say; left out where there are none. */
  readonly health?: HealthSource | undefined;
  /** The options as they are now: a reload changes them. */
  readonly options: () => WatcherOptions;
  /** What is registered; undefined until etcd has been read, and before that nothing is written. */
  readonly registrations: () => Registrations | undefined;
  /** Why an instance is gone from etcd; undefined where that is not known. */
  readonly goneCause: (instance: Instance) => Cause | undefined;
  /** The instances of a service that vanished from etcd since then, by `clock`, without being asked to drain. */
  readonly vanishedSince: (service: string, since: number) => readonly Instance[];
}

/** What the load balancer's own probes say. */
interface HealthSource {
  lookup(services: readonly string[]): HealthLookup | undefined;
  /** Why the last probe of the address failed; undefined where it did not. */
  error(services: readonly string[], address: Address): string | undefined;
}
