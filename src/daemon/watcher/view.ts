import type { Address } from '../../core/address.js';
import { type Cause, causeText } from '../../core/cause.js';
import { isWanted } from '../../core/desired.js';
import type { EtcdState } from '../../core/etcd-state.js';
import type { Instance } from '../../core/keys.js';
import type { Maintenance } from '../../core/maintenance.js';
import type { ActualServer } from '../../core/ports.js';
import { type Kind, upstreamId } from '../../core/upstream.js';
import { missingServer, type PublishedUpstreamInput, serverDetails } from './published-status.js';
import { type KnownState, type ServiceStatus, stateOf } from './status.js';

/** What a watcher shows to people who look at it live. Plain JSON, bounded however much there is; times are milliseconds since the epoch. */
export interface WatcherView {
  readonly watcher: {
    readonly id: string;
    readonly version: string;
    /** When it was started. */
    readonly since: number;
    readonly ready: boolean;
    /** Another watcher with this id was started later. */
    readonly superseded: boolean;
    readonly etcd: { readonly state: EtcdState; readonly error?: string };
  };
  readonly services: readonly ServiceStatus[];
  /** Instances that an operator drains: the first of them. */
  readonly maintenance: readonly (Instance & Maintenance)[];
  /** Keys that are not taken, each with the reason: the first of them, and how many there are. */
  readonly rejected: readonly { readonly key: string; readonly reason: string }[];
  readonly rejectedCount: number;
  readonly nginx: readonly NginxView[];
}

export interface NginxView {
  readonly name: string;
  readonly state: 'connected' | 'refused' | 'unavailable';
  readonly version?: string;
  readonly error?: string;
  /** When it last answered, while it does not. */
  readonly lastSeenAt?: number;
  /** Services that feed no upstream: the first of them. */
  readonly problems: readonly string[];
  /** Groups that no service feeds, such as `http/firmware`: the first of them. */
  readonly unfed: readonly string[];
  readonly upstreams: readonly UpstreamView[];
  /** How many upstreams are left out for want of room. */
  readonly more: number;
}

/** In the order in which they need attention. */
const SERVER_STATES = ['missing', 'down', 'held', 'draining', 'unknown', 'up'] as const;

export type ServerState = (typeof SERVER_STATES)[number];

export interface ServerView {
  readonly address: string;
  /** `missing`: wanted, but NGINX does not have it. `unknown`: NGINX does not answer; `reason` says what it was. */
  readonly state: ServerState;
  /** When a drain or a hold ends at the latest. */
  readonly until?: number;
  readonly reason?: string;
}

export interface UpstreamView {
  readonly kind: Kind;
  readonly name: string;
  readonly services: readonly string[];
  readonly inSync: boolean;
  /** What went wrong at the last pass: the first of it. */
  readonly errors: readonly string[];
  /** Servers that are not sidekick's. */
  readonly unmanaged: number;
  /** How many servers are in each state; a state without servers is left out. */
  readonly counts: Readonly<Partial<Record<ServerState, number>>>;
  /** The first servers, those that need attention before the others. */
  readonly servers: readonly ServerView[];
}

/** Some servers of an upstream. */
export interface ServerPage {
  readonly servers: readonly ServerView[];
  /** How many servers there are that fit the filter. */
  readonly total: number;
}

export interface PageQuery {
  readonly from: number;
  readonly count: number;
  /** Only servers whose address has this in it. */
  readonly filter?: string | undefined;
}

/** What the view of one upstream is made from. */
export interface UpstreamViewInput extends PublishedUpstreamInput {
  /** NGINX answers: what is known of its servers is so now. */
  readonly isReachable: boolean;
  /** Why an address is gone from etcd; undefined where that is not known. */
  readonly goneCause: (address: Address) => Cause | undefined;
}

/** Most errors of an upstream that are shown. */
const MOST_ERRORS = 5;

/** @param rows How many servers are shown. */
export function upstreamView(input: UpstreamViewInput, unmanaged: number, rows: number): UpstreamView {
  const { ref, services, inSync, errors, isReachable } = input;
  const grouped = group(input);
  const counts = SERVER_STATES.flatMap((state) => {
    const count = grouped.get(state)?.length ?? 0;
    return count > 0 ? [[state, count] as const] : [];
  });
  return {
    kind: ref.kind,
    name: ref.name,
    services,
    inSync: isReachable && inSync,
    errors: errors.slice(0, MOST_ERRORS),
    unmanaged,
    counts: Object.fromEntries(counts),
    servers: pageOf(grouped, input, { from: 0, count: rows }).servers,
  };
}

/** Some servers of an upstream, in the order of `UpstreamView.servers`. */
export function serverPage(input: UpstreamViewInput, query: PageQuery): ServerPage {
  return pageOf(group(input), input, query);
}

/** The servers by state: what NGINX has, or the address of one that it lacks. */
type Grouped = ReadonlyMap<ServerState, readonly (ActualServer | Address)[]>;

/** Only groups here: what is shown of a server is made for those that are shown. */
function group(input: UpstreamViewInput): Grouped {
  const { servers, desired, drains, held, inSync, isReachable } = input;
  const grouped = new Map<ServerState, (ActualServer | Address)[]>();
  const put = (state: ServerState, server: ActualServer | Address) => {
    const known = grouped.get(state);
    if (known) known.push(server);
    else grouped.set(state, [server]);
  };
  for (const server of servers ?? []) put(isReachable ? stateOf(server, drains, held) : 'unknown', server);
  // A group in sync has every server that is wanted.
  if (inSync || !servers || !isReachable) return grouped;
  for (const server of desired.values()) {
    if (isWanted(server) && !servers.byAddress.has(server.address)) put('missing', server.address);
  }
  return grouped;
}

function pageOf(grouped: Grouped, input: UpstreamViewInput, { from, count, filter }: PageQuery): ServerPage {
  const servers: ServerView[] = [];
  let total = 0;
  for (const state of SERVER_STATES) {
    const all = grouped.get(state) ?? [];
    const found = filter === undefined ? all : all.filter((server) => addressOf(server).includes(filter));
    const first = Math.max(0, from - total);
    const room = Math.max(0, count - servers.length);
    for (const server of found.slice(first, first + room)) servers.push(serverView(input, state, server));
    total += found.length;
  }
  return { servers, total };
}

function addressOf(server: ActualServer | Address): Address {
  return typeof server === 'string' ? server : server.address;
}

function serverView(
  input: UpstreamViewInput,
  state: ServerState,
  server: ActualServer | Address,
): ServerView {
  if (typeof server === 'string') return { ...missingServer(input, server), state: 'missing' };
  const { address } = server;
  const known = stateOf(server, input.drains, input.held);
  if (state === 'unknown') return { address, state, reason: `was ${known}` };
  const { until, reason = because(input, known, address) } = serverDetails(input, server);
  return {
    address,
    state,
    ...(until === undefined ? {} : { until }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Why a server is out of rotation. */
function because(input: UpstreamViewInput, state: KnownState, address: Address): string | undefined {
  if (state !== 'draining' && state !== 'held') return undefined;
  const wanted = input.desired.get(address);
  const cause = wanted?.intent === 'drain' ? wanted.cause : input.goneCause(address);
  return cause && causeText(cause);
}

/** How much an upstream needs attention: the more, the earlier it is shown. */
function urgency({ inSync, counts, errors }: UpstreamView): number {
  const unusual = Object.keys(counts).some((state) => state !== 'up');
  return (errors.length > 0 ? 4 : 0) + (inSync ? 0 : 2) + (unusual ? 1 : 0);
}

/** The upstreams that are shown where there is no room for all: those that need attention before the others. */
export function mostUrgent(upstreams: readonly UpstreamView[], most: number): readonly UpstreamView[] {
  if (upstreams.length <= most) return upstreams;
  const chosen = [...upstreams].sort((a, b) => urgency(b) - urgency(a)).slice(0, most);
  const kept = new Set(chosen.map(upstreamId));
  return upstreams.filter((upstream) => kept.has(upstreamId(upstream)));
}
