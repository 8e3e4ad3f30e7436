import type { HealthLookup } from '../../core/health.js';
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
  readonly health?: { lookup(services: readonly string[]): HealthLookup | undefined } | undefined;
  /** The options as they are now: a reload changes them. */
  readonly options: () => WatcherOptions;
  /** What is registered; undefined until etcd has been read, and before that nothing is written. */
  readonly registrations: () => Registrations | undefined;
}
