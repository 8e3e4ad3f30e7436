import type { Address } from '../../core/address.js';
import type { DrainClock } from '../../core/drain.js';
import type { UpstreamRef } from '../../core/kind.js';
import { isOut } from '../../core/plan.js';
import type { ActualServer, UpstreamState } from '../../core/ports.js';
import type { ServerStatus, UpstreamStatus } from '../watcher-status.js';

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
    foreign: state?.foreign ?? 0,
    errors,
  };
}

function serverStatus(server: ActualServer, { drains, held }: Known): ServerStatus {
  const { address, active } = server;
  return { address, state: stateOf(server, drains, held), ...(active === undefined ? {} : { active }) };
}

function stateOf(
  { address, draining, parameters }: ActualServer,
  drains: Known['drains'],
  held: Known['held'],
): ServerStatus['state'] {
  if (held.has(address)) return 'held';
  if (draining || drains.has(address)) return 'draining';
  return parameters.down ? 'down' : 'up';
}

/** How many servers are in each state, for the metric. */
export function serverCounts(
  servers: readonly ActualServer[],
  held: ReadonlyMap<Address, number>,
): Readonly<Record<string, number>> {
  const count = (matches: (server: ActualServer) => boolean) => servers.filter(matches).length;
  return {
    up: count((server) => !isOut(server) && !held.has(server.address)),
    down: count((server) => server.parameters.down && !server.draining),
    draining: count((server) => server.draining),
    held: count((server) => held.has(server.address)),
  };
}
