import type { Address } from '../../core/address.js';
import type { DesiredServer } from '../../core/desired.js';
import type { DrainClock } from '../../core/drain.js';
import { applyHealthChecks, type HealthLookup } from '../../core/effective-health.js';
import type { PlanInput } from '../../core/plan.js';
import type { ActualServer } from '../../core/ports.js';
import type { ParameterName } from '../../core/server-parameters.js';
import type { UpstreamRef } from '../../core/upstream.js';
import type { WatcherOptions } from './options.js';
import { drainTimeoutOf } from './settings.js';

interface Known {
  readonly ref: UpstreamRef;
  readonly options: WatcherOptions;
  readonly servers: readonly ActualServer[];
  readonly desired: ReadonlyMap<Address, DesiredServer>;
  readonly health: HealthLookup | undefined;
  /** What the guard holds. */
  readonly held: Iterable<Address>;
  /** What vanished so recently that it is left alone unless it is dead. */
  readonly graced: ReadonlySet<Address>;
  readonly drains: ReadonlyMap<Address, DrainClock>;
  readonly immutable: ReadonlySet<ParameterName>;
  readonly full: boolean;
  readonly now: number;
}

/** Puts together what the plan for one upstream group hangs on. */
export function planInput(known: Known): PlanInput {
  const { ref, options, servers, desired, health, held, graced, drains, immutable, full, now } = known;
  return {
    kind: ref.kind,
    actual: health ? servers.map((server) => markFailing(server, health)) : servers,
    desired: health ? applyHealthChecks(desired, health, servers) : desired,
    held: new Set(held),
    graced,
    drains,
    limits: { timeout: drainTimeoutOf(ref, options), settle: options.timing.settle },
    immutable,
    zoneFull: full,
    now,
  };
}

function markFailing(server: ActualServer, health: HealthLookup): ActualServer {
  return health(server.address) === 'unhealthy' ? { ...server, failing: true } : server;
}
