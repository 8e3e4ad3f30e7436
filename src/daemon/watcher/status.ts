import type { Address } from '../../core/address.js';
import type { DrainClock } from '../../core/drain.js';
import type { EtcdState } from '../../core/etcd-state.js';
import type { Instance } from '../../core/keys.js';
import type { Maintenance } from '../../core/maintenance.js';
import type { MappingProblem } from '../../core/mapping.js';
import type { ActualServer } from '../../core/ports.js';
import type { Registrations } from '../../core/registrations.js';
import type { Kind, UpstreamRef } from '../../core/upstream.js';
import type { KnownServers } from './known-servers.js';

/** What a watcher says of itself on `/status`. Plain JSON; times are milliseconds since the epoch. */
export interface WatcherStatus {
  readonly id: string;
  /** etcd has been read, every NGINX answers, and every upstream has been in sync lately. */
  readonly ready: boolean;
  readonly etcd: {
    readonly connected: boolean;
    /** `refused` also where etcd can be read, but refuses this watcher's lease or a key under it. */
    readonly state: EtcdState;
    /** The revision of the last snapshot; undefined before the first. */
    readonly revision?: number;
    /** Why it cannot be read now, or what it refuses. */
    readonly error?: string;
  };
  /** Another watcher with this id has been started later: one of the two needs another id. */
  readonly superseded: boolean;
  readonly services: readonly ServiceStatus[];
  /** Instances that an operator drains, with who, when and why; older versions do not say. */
  readonly maintenance?: readonly (Instance & Maintenance)[];
  /** Keys that are not taken, with the reason; the first of them. */
  readonly rejected: readonly { readonly key: string; readonly reason: string }[];
  readonly nginx: readonly NginxStatus[];
}

/** A watcher's status without its servers one by one, so that it costs the same however many servers there are. */
export interface WatcherOverview extends Pick<WatcherStatus, 'id' | 'etcd' | 'superseded'> {
  readonly nginx: readonly NginxOverview[];
}

export interface NginxOverview extends Pick<NginxStatus, 'name' | 'connected'> {
  readonly upstreams: readonly UpstreamOverview[];
}

export interface UpstreamOverview extends UpstreamRef {
  readonly inSync: boolean;
  /** How many servers it has. */
  readonly servers: number;
}

export interface ServiceStatus {
  readonly name: string;
  /** Instances whose registration is taken, or was before its value became one that cannot be read. */
  readonly registered: number;
  /** Keys that are not taken for what they say. */
  readonly rejected: number;
  /** Keys that are not taken for want of room: see `limits`. */
  readonly overLimit: number;
  readonly draining: number;
}

export interface NginxStatus {
  readonly name: string;
  readonly connected: boolean;
  readonly version?: string;
  readonly generation?: number;
  readonly error?: string;
  /** It answers, but not as the API does: a wrong URL, a missing credential, another program. */
  readonly refused?: boolean;
  /** How long ago it last answered, in ms; undefined before it has. */
  readonly lastSeenAgo?: number;
  readonly problems: readonly MappingProblem[];
  readonly upstreams: readonly UpstreamStatus[];
}

export interface UpstreamStatus {
  readonly kind: Kind;
  readonly name: string;
  readonly services: readonly string[];
  /** The last full pass found NGINX in sync with etcd, but for what drains or is held. */
  readonly inSync: boolean;
  readonly lastPassAt?: number;
  readonly servers: readonly ServerStatus[];
  /** Addresses that the guard holds, each with the time at which it is let go. */
  readonly held: readonly { readonly address: string; readonly until: number }[];
  /** Servers that are not sidekick's: DNS names, unix sockets. */
  readonly unmanaged: number;
  /** What went wrong at the last pass. */
  readonly errors: readonly string[];
}

interface ServerStatus {
  readonly address: string;
  /** `unknown`: NGINX does not answer now; `lastState` is what it had when it last did. */
  readonly state: 'up' | 'down' | 'draining' | 'held' | 'unknown';
  readonly lastState?: string;
  readonly active?: number;
}

export function serviceStatus(name: string, registrations: Registrations): ServiceStatus {
  return {
    name,
    registered: registrations.accepted(name),
    draining: registrations.drainRequests(name).size,
    ...registrations.refused(name),
  };
}

/** What the status of one upstream is made from. */
interface UpstreamStatusInput {
  readonly ref: UpstreamRef;
  readonly services: readonly string[];
  /** What NGINX has; undefined until it has been read. */
  readonly servers: KnownServers | undefined;
  readonly drains: ReadonlyMap<Address, DrainClock>;
  readonly held: ReadonlyMap<Address, number>;
  readonly inSync: boolean;
  readonly lastPassAt: number | undefined;
  readonly errors: readonly string[];
  /** Turns a time of the monotonic clock into milliseconds since the epoch. */
  readonly toWallTime: (at: number) => number;
}

export function upstreamStatus(input: UpstreamStatusInput): UpstreamStatus {
  const { ref, services, servers, drains, held, inSync, lastPassAt, errors, toWallTime } = input;
  const kept = [...held].filter(([address]) => servers?.byAddress.has(address));
  return {
    kind: ref.kind,
    name: ref.name,
    services,
    inSync,
    ...(lastPassAt === undefined ? {} : { lastPassAt: toWallTime(lastPassAt) }),
    servers: [...(servers ?? [])].map((server) => serverStatus(server, drains, held)),
    held: kept.map(([address, until]) => ({ address, until: toWallTime(until) })),
    unmanaged: servers?.unmanaged ?? 0,
    errors,
  };
}

/** The status of an upstream whose NGINX does not answer: what was seen last need not be so any more. */
export function pastStatus(status: UpstreamStatus): UpstreamStatus {
  const servers = status.servers.map(({ address, state }) => ({
    address,
    state: 'unknown' as const,
    lastState: state,
  }));
  return { ...status, inSync: false, servers };
}

function serverStatus(
  server: ActualServer,
  drains: UpstreamStatusInput['drains'],
  held: UpstreamStatusInput['held'],
): ServerStatus {
  const { address, active } = server;
  return { address, state: stateOf(server, drains, held), ...(active === undefined ? {} : { active }) };
}

/** How a server stands in an NGINX that answers. */
export type KnownState = Exclude<ServerStatus['state'], 'unknown'>;

export function stateOf(
  { address, draining, parameters }: ActualServer,
  drains: UpstreamStatusInput['drains'],
  held: UpstreamStatusInput['held'],
): KnownState {
  if (held.has(address)) return 'held';
  if (draining || drains.has(address)) return 'draining';
  return parameters.down ? 'down' : 'up';
}

/** How many servers are in each state, for the metric: each counts once, in the state that `/status` shows it in. */
export function serverCounts(
  servers: Iterable<ActualServer>,
  drains: ReadonlyMap<Address, DrainClock>,
  held: ReadonlyMap<Address, number>,
): Readonly<Record<KnownState, number>> {
  const counts = { up: 0, down: 0, draining: 0, held: 0 };
  for (const server of servers) counts[stateOf(server, drains, held)]++;
  return counts;
}
