import type { Address } from '../../core/address.js';
import { type DesiredServers, isWanted } from '../../core/desired.js';
import type { DrainClock } from '../../core/drain.js';
import { isOut } from '../../core/plan.js';
import type { ActualServer } from '../../core/ports.js';
import {
  type PublishedServer,
  type PublishedUpstream,
  REGISTERED_DOWN,
} from '../../core/published-status.js';
import type { UpstreamRef } from '../../core/upstream.js';
import type { KnownServers } from './known-servers.js';
import { stateOf } from './status.js';

/** Servers that are not simply up and are listed at most, of one upstream; more are counted. */
const MOST_LISTED = 50;

/** What is published of one upstream is made from this. */
export interface PublishedUpstreamInput {
  readonly ref: UpstreamRef;
  readonly services: readonly string[];
  /** What NGINX has; undefined until it has been read. */
  readonly servers: KnownServers | undefined;
  readonly desired: DesiredServers;
  readonly drains: ReadonlyMap<Address, DrainClock>;
  /** How long a drain may take, in ms. */
  readonly drainTimeout: number;
  readonly held: ReadonlyMap<Address, number>;
  readonly inSync: boolean;
  readonly errors: readonly string[];
  /** NGINX has no room for another server. */
  readonly zoneFull: boolean;
  /** Why the watcher's probe of an address failed last. */
  readonly probeError: (address: Address) => string | undefined;
  /** Turns a time of the monotonic clock into milliseconds since the epoch. */
  readonly toWallTime: (at: number) => number;
}

/** What a watcher publishes of one upstream: the servers that are not simply up, and how many there are. */
export function publishedUpstream(input: PublishedUpstreamInput): PublishedUpstream {
  const { ref, services, servers, inSync, errors } = input;
  const others: PublishedServer[] = [];
  let more = 0;
  for (const server of unusual(input)) {
    if (others.length < MOST_LISTED) others.push(server);
    else more++;
  }
  const [error] = errors;
  return {
    kind: ref.kind,
    name: ref.name,
    services,
    inSync,
    servers: servers?.size ?? 0,
    others,
    more,
    ...(error === undefined ? {} : { error }),
  };
}

/**
 * This is asked every few seconds: of thousands of servers those are looked at that may be unusual. A group in sync has every
 * server that is wanted: what is wanted is looked through only where it is not.
 */
function* unusual(input: PublishedUpstreamInput): Generator<PublishedServer> {
  const { servers, desired, drains, held, inSync } = input;
  if (!servers) return;
  for (const address of new Set([...servers.out, ...drains.keys(), ...held.keys()])) {
    const isUnusual = drains.has(address) || held.has(address);
    for (const server of servers.byAddress.get(address) ?? []) {
      if (isUnusual || isOut(server)) yield listed(input, server);
    }
  }
  if (inSync) return;
  for (const server of desired.values()) {
    const { address } = server;
    if (isWanted(server) && !servers.byAddress.has(address)) yield missingServer(input, address);
  }
}

function listed(input: PublishedUpstreamInput, server: ActualServer): PublishedServer {
  const { address, active } = server;
  const state = stateOf(server, input.drains, input.held);
  const open = active === undefined || state === 'down' ? {} : { active };
  return { address, state, ...serverDetails(input, server), ...open };
}

/** Until when a server is held or drains, or why it is down. */
export function serverDetails(
  { drains, held, drainTimeout, toWallTime, desired, probeError }: PublishedUpstreamInput,
  { address, draining, parameters }: ActualServer,
): Pick<PublishedServer, 'until' | 'reason'> {
  const holdEnd = held.get(address);
  if (holdEnd !== undefined) return { until: toWallTime(holdEnd) };
  const drain = drains.get(address);
  if (drain) return { until: toWallTime(drain.since + drainTimeout) };
  if (draining || !parameters.down) return {};
  const reason = desired.get(address)?.parameters.down ? REGISTERED_DOWN : probeError(address);
  return reason === undefined ? {} : { reason };
}

/** A server that is wanted and that NGINX does not have. */
export function missingServer(input: PublishedUpstreamInput, address: Address): PublishedServer {
  return { address, state: 'missing', ...errorAbout(input, address) };
}

function errorAbout(
  { errors, zoneFull }: PublishedUpstreamInput,
  address: Address,
): { readonly reason?: string } {
  const full = zoneFull ? 'the zone of the upstream is full' : undefined;
  const reason = errors.find((error) => error.includes(` ${address}:`)) ?? full;
  return reason === undefined ? {} : { reason };
}
