import type { Address } from '../../core/address.js';
import type { DrainClock } from '../../core/drain.js';
import type { ActualServer, UpstreamState } from '../../core/ports.js';
import type { UpstreamRef } from '../../core/upstream.js';
import type { ServerStatus, UpstreamStatus } from './status.js';

interface Known {
  readonly ref: UpstreamRef;
  readonly services: readonly string[];
  /** What the last pass read. */
  readonly state: UpstreamState | undefined;
  readonly drains: ReadonlyMap<Address, DrainClock>;
  readonly held: ReadonlyMap<Address, number>;
  readonly matched: boolean;
  readonly lastPassAt: number | undefined;
  readonly errors: readonly string[];
  /** A time of the monotonic clock in ms since the epoch. */
  readonly shown: (at: number) => number;
}

export function upstreamStatus(known: Known): UpstreamStatus {
  const { ref, services, state, held, matched, lastPassAt, errors, shown } = known;
  const present = new Set((state?.servers ?? []).map(({ address }) => address));
  const kept = [...held].filter(([address]) => present.has(address));
  return {
    kind: ref.kind,
    name: ref.name,
    services,
    matched,
    ...(lastPassAt === undefined ? {} : { lastPassAt: shown(lastPassAt) }),
    servers: (state?.servers ?? []).map((server) => serverStatus(server, known)),
    held: kept.map(([address, until]) => ({ address, until: shown(until) })),
    unmanaged: state?.unmanaged ?? 0,
    errors,
  };
}

/** The same of an NGINX that does not answer: what was seen last is past, and nothing of it is known to be so now. */
export function pastStatus(status: UpstreamStatus): UpstreamStatus {
  const servers = status.servers.map(({ address, state }) => ({
    address,
    state: 'unknown' as const,
    lastState: state,
  }));
  return { ...status, matched: false, servers };
}

function serverStatus(server: ActualServer, { drains, held }: Known): ServerStatus {
  const { address, active } = server;
  return { address, state: stateOf(server, drains, held), ...(active === undefined ? {} : { active }) };
}

function stateOf(
  { address, draining, parameters }: ActualServer,
  drains: Known['drains'],
  held: Known['held'],
): Exclude<ServerStatus['state'], 'unknown'> {
  if (held.has(address)) return 'held';
  if (draining || drains.has(address)) return 'draining';
  return parameters.down ? 'down' : 'up';
}

/** How many servers are in each state, for the metric: each counts once, in the state that `/status` shows it in. */
export function serverCounts(
  servers: readonly ActualServer[],
  drains: ReadonlyMap<Address, DrainClock>,
  held: ReadonlyMap<Address, number>,
): Readonly<Record<Exclude<ServerStatus['state'], 'unknown'>, number>> {
  const counts = { up: 0, down: 0, draining: 0, held: 0 };
  for (const server of servers) counts[stateOf(server, drains, held)]++;
  return counts;
}
