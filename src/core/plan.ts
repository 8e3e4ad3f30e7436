import type { Address } from './address.js';
import { type Cause, revisionOf } from './cause.js';
import { anyWanted, type DesiredServer, type DesiredServers, isWanted } from './desired.js';
import { advanceDrain, type DrainClock, type DrainLimits, drainStep } from './drain.js';
import { applyHealthChecks, type HealthLookup } from './health.js';
import type { ActualServer } from './ports.js';
import {
  differences,
  type ParameterName,
  type ServerParameters,
  sameParameters,
} from './server-parameters.js';
import type { Kind } from './upstream.js';

/** One call to NGINX, and why it is made. */
export type Action = Call & { readonly cause: Cause };

/** One call to NGINX. */
export type Call =
  | { readonly type: 'add'; readonly address: Address; readonly parameters: ServerParameters }
  | {
      readonly type: 'update';
      readonly address: Address;
      readonly id: number;
      readonly changes: Partial<ServerParameters>;
    }
  | {
      readonly type: 'drain';
      readonly address: Address;
      readonly id: number;
    }
  | {
      readonly type: 'remove';
      readonly address: Address;
      readonly id: number;
      readonly reason: RemoveReason;
    };

type RemoveReason = 'duplicate' | 'idle' | 'expired' | 'failing';

/** A call about a server that NGINX has. */
type Change = Exclude<Action, { readonly type: 'add' }>;

/** The servers that a group has, by address. An address that is there twice has two. */
export type ActualServers = ReadonlyMap<Address, readonly ActualServer[]>;

export interface PlanInput {
  readonly kind: Kind;
  readonly desired: DesiredServers;
  readonly actual: ActualServers;
  /** Plan for these addresses alone; default: for all that are desired or there. */
  readonly only?: ReadonlySet<Address>;
  /**
   * Whether `active` and `failing` were read for this plan. Where they were not, no server counts as idle, and none as
   * failing but by `health`. Default: true.
   */
  readonly countersAreFresh?: boolean;
  /** What the load balancer's own probes say; left out where the group is not probed. */
  readonly health?: HealthLookup | undefined;
  /** Why the load balancer's own probe of the address failed; left out where that is not known. */
  readonly probeError?: (address: Address) => string | undefined;
  /** Why an address is gone from etcd; undefined where that is not known. Left out: nothing is. */
  readonly goneCause?: (address: Address) => Cause | undefined;
  /**
   * The revision of etcd with which the group was last seen in sync: what is different although etcd has not changed since
   * is so because NGINX has. Left out: it has not been seen in sync.
   */
  readonly inSyncRevision?: number | undefined;
  /** Addresses that are gone from etcd but that the guard holds. */
  readonly held: Pick<ReadonlySet<Address>, 'has'>;
  /** Addresses that are gone from etcd so recently that nothing is done yet, unless they are dead. Default: none. */
  readonly graced?: Pick<ReadonlySet<Address>, 'has'>;
  /** The drains under way, as the plan before this one left them. */
  readonly drains: ReadonlyMap<Address, DrainClock>;
  readonly limits: DrainLimits;
  /** Parameters that NGINX does not let a PATCH change; a server that differs in one is replaced. */
  readonly immutable: ReadonlySet<ParameterName>;
  /** NGINX has refused an add for want of memory: there is room for others only once something goes. Default: false. */
  readonly zoneFull?: boolean;
  /** By the monotonic clock, in ms. */
  readonly now: number;
}

export interface Plan {
  /** In the order in which they are done: first what adds capacity, last what removes it. */
  readonly actions: readonly Action[];
  /** The drains under way after this plan, of the addresses that it is for. */
  readonly drains: ReadonlyMap<Address, DrainClock>;
  /** Addresses that are asked to drain and that NGINX no longer has, each with the revision of the newest request. */
  readonly drained: ReadonlyMap<Address, number>;
  /** Servers that stay for now because nothing else of the group serves yet, though something is to. */
  readonly deferred: readonly Address[];
  /** The server that goes on serving, where the plan takes traffic from others because it does. */
  readonly stillServing?: ActualServer;
}

/** What no version of NGINX lets a PATCH change. */
export const IMMUTABLE_PARAMETERS: ReadonlySet<ParameterName> = new Set(['backup']);

/**
 * Decides what makes one upstream group equal to what is registered. Pure: the same input, the same plan.
 *
 * | etcd wants        | NGINX has                          | action                                         |
 * |-------------------|------------------------------------|------------------------------------------------|
 * | serve             | nothing                            | add                                            |
 * | serve             | the same                           | –                                              |
 * | serve             | other parameters                   | update with the difference                     |
 * | serve             | it draining, or `down` by us       | update with the difference and `down: false`   |
 * | serve             | an immutable parameter different   | add; the next plan finds the old one replaced  |
 * | serve             | it, and the one it replaced        | the replaced one as a drain                    |
 * | any               | it twice                           | remove the extra (duplicate)                   |
 * | keep              | anything once, or nothing          | –                                              |
 * | drain, or is gone | it up                              | drain                                          |
 * | drain, or is gone | it draining, with open sessions    | –, and look again                              |
 * | drain, or is gone | it draining, idle                  | remove (idle)                                  |
 * | drain, or is gone | it there, drain timeout passed     | remove (expired)                               |
 * | drain             | nothing                            | –, and answer the request                      |
 * | is gone           | it failing its health checks       | remove (failing)                               |
 * | is gone           | it up, and gone for less than the grace | –                                         |
 * | is gone           | held by the guard                  | –                                              |
 * | is gone           | held, but we had begun to drain it | update with `down: false`                      |
 *
 * Whatever would take traffic from the last server that gets any is deferred while another is wanted: that other one
 * comes first, and if NGINX refuses it the group still serves. Where NGINX has no room for that other one, all but one go.
 */
export function plan(given: PlanInput): Plan {
  const input = given.health ? { ...given, desired: applyHealthChecks(given, given.health) } : given;
  const drains = new Map<Address, DrainClock>();
  const { absent, present } = addressesOf(input);
  const actions = [
    ...absent.filter(({ intent }) => intent === 'serve').map(addition),
    ...present.flatMap((address) => planAddress(input, address, drains)),
  ].map((call): Action => ({ ...call, cause: causeOf(input, call) }));
  const { deferred, stillServing } = keepLastServing(input, actions);
  const drained = absent.filter(({ intent }) => intent === 'drain');
  return {
    actions: inOrder(actions.filter((action) => !deferred.has(action))),
    drains,
    drained: new Map(drained.map(({ address, requests }) => [address, newest(requests)])),
    deferred: [...deferred].map(({ address }) => address),
    ...(stillServing ? { stillServing } : {}),
  };
}

/**
 * The ids of the servers by whose `active` and `failing` a plan may go: of those that are to be taken out, and of those that
 * are there more than once. Where this changes between the read and the plan, no server counts as idle or failing, as in a
 * plan whose counters are not fresh.
 */
export function countersNeeded(
  servers: readonly ActualServer[],
  desired: DesiredServers,
): ReadonlySet<number> {
  const needed = new Set<number>();
  const first = new Map<Address, number>();
  for (const { id, address } of servers) {
    const intent = desired.get(address)?.intent;
    if (intent === undefined || intent === 'drain') needed.add(id);
    const before = first.get(address);
    if (before === undefined) first.set(address, id);
    else needed.add(before).add(id);
  }
  return needed;
}

/** What the plan is for: what is desired and not there, and the addresses that may have servers. */
function addressesOf({ desired, actual, only }: PlanInput): {
  readonly absent: readonly DesiredServer[];
  readonly present: readonly Address[];
} {
  if (only) {
    const missing = [...only].filter((address) => !actual.has(address));
    return { absent: missing.flatMap((address) => desired.get(address) ?? []), present: [...only] };
  }
  const absent = [...desired.values()].filter(({ address }) => !actual.has(address));
  return { absent, present: [...actual.keys()] };
}

function newest(requests: DesiredServer['requests']): number {
  return requests.reduce((most, { revision }) => Math.max(most, revision), 0);
}

/** Why the call is made. */
function causeOf(input: PlanInput, call: Call): Cause {
  if (call.type === 'remove' && call.reason === 'duplicate') return { kind: 'duplicate' };
  const { address } = call;
  const wanted = input.desired.get(address);
  if (!wanted) {
    if (call.type === 'update') return { kind: 'guard' };
    return input.goneCause?.(address) ?? { kind: 'not-registered' };
  }
  const down = call.type === 'update' ? call.changes.down : undefined;
  const health = input.health?.(address);
  if (down === true && health === 'unhealthy') return probeFailed(input.probeError?.(address));
  if (isNew(input, wanted)) return wanted.cause;
  return down === false && health === 'healthy' ? { kind: 'probe-passed' } : { kind: 'nginx-changed' };
}

function probeFailed(error: string | undefined): Cause {
  return { kind: 'probe-failed', ...(error === undefined ? {} : { error }) };
}

/** Whether etcd has changed since the group was last in sync. A drain goes on for long after it was asked for. */
function isNew({ inSyncRevision = 0 }: PlanInput, { intent, cause }: DesiredServer): boolean {
  return intent === 'drain' || (revisionOf(cause) ?? inSyncRevision + 1) > inSyncRevision;
}

function addition({ address, parameters }: DesiredServer): Call {
  return { type: 'add', address, parameters };
}

const NO_CALLS: readonly Call[] = [];

function planAddress(input: PlanInput, address: Address, drains: Map<Address, DrainClock>): readonly Call[] {
  const present = input.actual.get(address) ?? [];
  const wanted = input.desired.get(address);
  if (isAsWanted(input.kind, present, wanted)) return NO_CALLS;
  const servers = present.map((server) => observed(input, server));
  const survivor = pickSurvivor(input, servers, wanted);
  if (!survivor) return [];
  const actions = removeExtras(input, servers, survivor, wanted, drains);
  if (wanted?.intent === 'serve') return [...actions, ...serve(input, survivor, wanted)];
  if (wanted?.intent === 'drain') return [...actions, ...drainServer(input, survivor, drains)];
  if (wanted) return actions;
  if (input.held.has(address)) return [...actions, ...restoreHeld(input, survivor, drains)];
  return [...actions, ...removeGone(input, survivor, drains)];
}

/** Whether NGINX has the server once, in rotation and with its parameters. So it has nearly all, which this is quick to tell. */
function isAsWanted(
  kind: Kind,
  present: readonly ActualServer[],
  wanted: DesiredServer | undefined,
): boolean {
  const [server] = present;
  if (!server || present.length > 1 || server.draining || wanted?.intent !== 'serve') return false;
  return sameParameters(kind, server.parameters, wanted.parameters);
}

/** The server with what is known of its health and its sessions at the time of the plan. */
function observed({ countersAreFresh = true, health }: PlanInput, server: ActualServer): ActualServer {
  const failing = (countersAreFresh && server.failing) || health?.(server.address) === 'unhealthy';
  if (countersAreFresh) return { ...server, failing };
  const { active: _, ...rest } = server;
  return { ...rest, failing };
}

/** Defers the actions that would leave nothing serving although something is to serve. */
function keepLastServing(
  input: PlanInput,
  actions: readonly Action[],
): { readonly deferred: ReadonlySet<Action>; readonly stillServing?: ActualServer } {
  const taking = actions.filter((action): action is Change => takesTraffic(input, action));
  if (taking.length === 0 || !anyWanted(input.desired)) return { deferred: new Set() };
  const taken = new Set(taking.map(({ id }) => id));
  let othersServe = false;
  for (const servers of input.actual.values()) {
    for (const server of servers) {
      if (isOut(server) || taken.has(server.id)) continue;
      if (isWanted(input.desired.get(server.address))) return { deferred: new Set(), stillServing: server };
      othersServe = true;
    }
  }
  if (!input.zoneFull) return { deferred: new Set(taking) };
  // A plan for a few addresses is not the one to choose which of all the servers stays: any that does is enough.
  if (input.only && othersServe) return { deferred: new Set() };
  return { deferred: new Set(likeliestAlive(input, taking)) };
}

/** Whether the action takes a server out of rotation that is in it. */
function takesTraffic({ actual }: PlanInput, action: Call): boolean {
  if (action.type === 'add' || (action.type === 'update' && action.changes.down !== true)) return false;
  const server = actual.get(action.address)?.find(({ id }) => id === action.id);
  return server !== undefined && !isOut(server);
}

/** Of actions that take traffic, the one whose server is the likeliest to be alive: it asked to drain, and did not vanish or fail. */
function likeliestAlive({ desired }: PlanInput, taking: readonly Action[]): readonly Action[] {
  const rank = (action: Action) => {
    if (action.type === 'remove' && action.reason === 'failing') return 2;
    return desired.get(action.address) ? 0 : 1;
  };
  return [...taking].sort((a, b) => rank(a) - rank(b)).slice(0, 1);
}

/** One action as text, equal for equal actions. */
export function actionKey(action: Call): string {
  return `${action.type} ${action.address} ${action.type === 'add' ? '' : action.id}`;
}

/** NGINX sends it nothing new. */
export function isOut(server: Pick<ActualServer, 'draining' | 'parameters'>): boolean {
  return server.draining || server.parameters.down;
}

/** Sorts servers by address. */
export function byAddress(servers: Iterable<ActualServer>): Map<Address, readonly ActualServer[]> {
  const groups = new Map<Address, readonly ActualServer[]>();
  for (const server of servers) {
    const others = groups.get(server.address);
    groups.set(server.address, others ? [...others, server] : [server]);
  }
  return groups;
}

/** Of several servers with one address, the one that is closest to what is wanted; the oldest where they are equal. */
function pickSurvivor(
  input: PlanInput,
  servers: readonly ActualServer[],
  wanted: DesiredServer | undefined,
): ActualServer | undefined {
  const distance = (server: ActualServer): number => {
    if (wanted?.intent !== 'serve') return isOut(server) ? 1 : 0;
    const changes = differences(input.kind, server.parameters, wanted.parameters);
    return (
      (needsReplacement(input, changes) ? 100 : 0) + Object.keys(changes).length + (server.draining ? 1 : 0)
    );
  };
  if (servers.length < 2) return servers[0];
  return servers.reduce((best, server) => {
    const gain = distance(best) - distance(server);
    return gain > 0 || (gain === 0 && server.id < best.id) ? server : best;
  });
}

function needsReplacement(input: PlanInput, changes: Partial<ServerParameters>): boolean {
  return Object.keys(changes).some((name) => input.immutable.has(name as ParameterName));
}

/**
 * Copies go at once: their open sessions live on, as do those of any removed server. The one that the survivor replaces
 * drains first.
 */
function removeExtras(
  input: PlanInput,
  servers: readonly ActualServer[],
  survivor: ActualServer,
  wanted: DesiredServer | undefined,
  drains: Map<Address, DrainClock>,
): Call[] {
  const isOld = (server: ActualServer) =>
    wanted?.intent === 'serve' &&
    needsReplacement(input, differences(input.kind, server.parameters, wanted.parameters));
  const replaced = isOld(survivor) ? undefined : servers.find(isOld);
  return servers
    .filter((server) => server !== survivor)
    .flatMap((server): Call[] => {
      if (server === replaced) return drainServer(input, server, drains);
      return [{ type: 'remove', id: server.id, address: server.address, reason: 'duplicate' }];
    });
}

function serve(input: PlanInput, server: ActualServer, { address, parameters }: DesiredServer): Call[] {
  const changes = differences(input.kind, server.parameters, parameters);
  if (needsReplacement(input, changes)) return [{ type: 'add', address, parameters }];
  // NGINX takes a server out of `drain` when `down` is set, to either value.
  const back = server.draining ? { ...changes, down: parameters.down } : changes;
  return Object.keys(back).length > 0 ? [{ type: 'update', id: server.id, address, changes: back }] : [];
}

function drainServer(input: PlanInput, server: ActualServer, drains: Map<Address, DrainClock>): Call[] {
  const { id, address, active } = server;
  const out = isOut(server);
  const clock = advanceDrain(input.drains.get(address), out, input.now);
  drains.set(address, clock);
  const step = drainStep({ out, active }, clock, input.limits, input.now);
  if (step === 'drain') return [{ type: 'drain', id, address }];
  if (step === 'remove-idle') return [{ type: 'remove', id, address, reason: 'idle' }];
  if (step === 'remove-expired') return [{ type: 'remove', id, address, reason: 'expired' }];
  return [];
}

/** Drains a server that is no longer registered, unless it is dead and has nothing to drain. */
function removeGone(input: PlanInput, server: ActualServer, drains: Map<Address, DrainClock>): Call[] {
  const { id, address } = server;
  if (server.failing) return [{ type: 'remove', id, address, reason: 'failing' }];
  if (input.graced?.has(address)) return restoreHeld(input, server, drains);
  return drainServer(input, server, drains);
}

/** The first few of a mass loss are draining by the time it shows: those that this watcher drains are put back in. */
function restoreHeld(input: PlanInput, server: ActualServer, drains: Map<Address, DrainClock>): Call[] {
  const { id, address } = server;
  const clock = input.drains.get(address);
  if (!clock || clock.outOfRotationSince === clock.since || !isOut(server)) return [];
  drains.set(address, clock);
  return [{ type: 'update', id, address, changes: { down: false } }];
}

const ORDER: readonly Call['type'][] = ['add', 'update', 'drain', 'remove'];

function inOrder(actions: readonly Action[]): readonly Action[] {
  return [...actions].sort((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type));
}
