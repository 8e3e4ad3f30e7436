import type { Networks } from '../../core/address.js';
import type { Allow } from '../../core/address-policy.js';
import type { ServiceLimits } from '../../core/admission.js';
import type { GuardPolicy } from '../../core/guard.js';
import type { HealthPolicy } from '../../core/health.js';
import { type Instance, type KeyPrefixes, maintenancePrefix, unholdPrefix } from '../../core/keys.js';
import type { MappingRule } from '../../core/mapping.js';
import type {
  Clock,
  Log,
  Meter,
  NginxApi,
  Probe,
  RegistryClient,
  RegistryReader,
  WallClock,
} from '../../core/ports.js';
import type { Kind, UpstreamRef } from '../../core/upstream.js';

/** A service mapped to an upstream group by hand. */
export interface UpstreamRule extends MappingRule {
  /** Overrides the drain timeout of the kind for this upstream, in ms. */
  readonly drainTimeout?: number;
}

/** How the load balancer itself probes one instance. */
export interface HealthCheck {
  readonly probe: Probe & { close?(): void };
  readonly policy: HealthPolicy;
}

/** What the watcher does, as configured. All times are in milliseconds. */
export interface WatcherOptions {
  /** The watcher's name in etcd; unique among the cluster's watchers. */
  readonly id: string;
  readonly prefixes: KeyPrefixes;
  /** TTL of the lease under which the presence key and the acknowledgements live; default 15 s. */
  readonly leaseTtl: number;
  readonly upstreams: readonly UpstreamRule[];
  /** How long a server may take to become idle; default 30 s for http, 5 min for stream. */
  readonly drainTimeout: Readonly<Record<Kind, number>>;
  readonly guard: GuardPolicy;
  /** The networks in which a service's instances may lie, and what is allowed on purpose; see `refusedAddress`. */
  readonly allow: Allow;
  /** How much one service may have. */
  readonly limits: ServiceLimits;
  /** How much probing there may be. */
  readonly probeLimits: ProbeLimits;
  /** Addresses of the NGINX that are driven, where they are known: none of them is a server. */
  readonly nginxHosts: Networks;
  readonly timing: WatcherTiming;
}

export interface WatcherTiming {
  /** Everything is read and compared again this often, whatever happens; default 30 s. */
  readonly resync: number;
  /** NGINX is asked this often whether it was reloaded or restarted; default 1 s. */
  readonly identity: number;
  /**
   * The least time from the start of one full pass over an upstream to the next, and from the last change to the pass that
   * proves it; a change itself is never delayed; default 50 ms.
   */
  readonly debounce: number;
  /** How often a draining server is read: at first, and once the drain has gone on for long; default 250 ms and 2 s. A large group is read less often. */
  readonly drainPoll: { readonly min: number; readonly max: number };
  /** How long a drained server must have been out before `active` 0 is believed; default 250 ms. */
  readonly settle: number;
  /** Back-off towards an NGINX that is unavailable or refuses: first and longest wait; default 100 ms and 500 ms. */
  readonly retry: { readonly min: number; readonly max: number };
  /** Calls under way towards one NGINX; default 8. */
  readonly concurrency: number;
}

/** How much probing there may be at a time, of all services together. */
export interface ProbeLimits {
  /** Most probes under way; default 128. */
  readonly underWay: number;
  /** Most probes begun in a second; default 500. */
  readonly perSecond: number;
}

export const DEFAULT_PROBE_LIMITS: ProbeLimits = { underWay: 128, perSecond: 500 };

export const DEFAULT_DRAIN_TIMEOUT: WatcherOptions['drainTimeout'] = { http: 30_000, stream: 300_000 };

export const DEFAULT_TIMING: WatcherTiming = {
  resync: 30_000,
  identity: 1_000,
  debounce: 50,
  drainPoll: { min: 250, max: 2_000 },
  settle: 250,
  retry: { min: 100, max: 500 },
  concurrency: 8,
};

/** The longest a drain in this upstream may take, in ms: its own where a rule says so, its kind's otherwise. */
export function drainTimeoutOf({ kind, name }: UpstreamRef, options: WatcherOptions): number {
  const rule = options.upstreams.find(
    (candidate) =>
      candidate.kind === kind && candidate.upstream === name && candidate.drainTimeout !== undefined,
  );
  return rule?.drainTimeout ?? options.drainTimeout[kind];
}

/** The prefixes that a watcher reads. */
export function watchedPrefixes({ prefixes }: Pick<WatcherOptions, 'prefixes'>): readonly string[] {
  return [prefixes.services, maintenancePrefix(prefixes), unholdPrefix(prefixes)];
}

/** What the watcher needs of the world. */
export interface WatcherPorts {
  readonly reader: RegistryReader;
  readonly store: RegistryClient;
  /** One for each NGINX, each with a name of its own. */
  readonly nginx: readonly NginxApi[];
  /**
   * The load balancer's probe of an instance; undefined where the instance's service is not probed. `unchecked`: the
   * kind of its group in an NGINX that has no health checks of its own, undefined where there is none. Left out: no probes.
   */
  readonly healthCheck?: (instance: Instance, unchecked: Kind | undefined) => HealthCheck | undefined;
  /**
   * This host's own addresses, as they are now; no server of an upstream is to be at one of them. Left out: none are known.
   */
  readonly ownAddresses?: () => Promise<Networks>;
  /** Published in etcd with the rest of the status. Left out: nothing is published. */
  readonly version?: string;
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly wallClock: WallClock;
}
