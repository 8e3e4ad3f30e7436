import type { Address } from './address.js';
import type { DesiredServer } from './desired.js';
import { advanceDrain, type DrainClock, type DrainLimits, drainStep } from './drain.js';
import type { ActualServer } from './ports.js';
import { differences, type ParameterName, type ServerParameters } from './server-parameters.js';
import type { Kind } from './upstream.js';

/** One call to NGINX. */
export type Action =
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

export type RemoveReason = 'duplicate' | 'idle' | 'expired' | 'failing';

export interface PlanInput {
  readonly kind: Kind;
  readonly desired: ReadonlyMap<Address, DesiredServer>;
  readonly actual: readonly ActualServer[];
  /** Addresses that are gone from etcd but that the guard will not let go yet. */
  readonly held: ReadonlySet<Address>;
  /** Addresses that are gone from etcd so recently that nothing is done yet, unless they are dead. Default: none. */
  readonly graced?: ReadonlySet<Address>;
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
  /** In the order in which they are to be done: what brings capacity first, what takes it away last. */
  readonly actions: readonly Action[];
  /** The drains under way after this plan. */
  readonly drains: ReadonlyMap<Address, DrainClock>;
  /** Addresses that are asked to drain and that NGINX no longer has: their requests can be answered. */
  readonly drained: readonly Address[];
  /** Servers that stay for now because nothing else of the group serves yet, though something is to. */
  readonly deferred: readonly Address[];
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
export function plan(input: PlanInput): Plan {
  const present = groupByAddress(input.actual);
  const drains = new Map<Address, DrainClock>();
  const absent = [...input.desired.values()].filter(({ address }) => !present.has(address));
  const actions = [
    ...absent.filter(({ intent }) => intent === 'serve').map(addition),
    ...[...present].flatMap(([address, servers]) => planAddress(input, address, servers, drains)),
  ];
  const deferred = tooEarly(input, actions);
  return {
    actions: inOrder(actions.filter((action) => !deferred.has(action))),
    drains,
    drained: absent.filter(({ intent }) => intent === 'drain').map(({ address }) => address),
    deferred: [...deferred].map(({ address }) => address),
  };
}

function addition({ address, parameters }: DesiredServer): Action {
  return { type: 'add', address, parameters };
}

function planAddress(
  input: PlanInput,
  address: Address,
  servers: readonly ActualServer[],
  drains: Map<Address, DrainClock>,
): readonly Action[] {
  const wanted = input.desired.get(address);
  const survivor = pickSurvivor(input, servers, wanted);
  const actions = removeExtras(input, servers, survivor, wanted, drains);
  if (wanted?.intent === 'serve') return [...actions, ...serve(input, survivor, wanted)];
  if (wanted?.intent === 'drain') return [...actions, ...takeOut(input, survivor, drains)];
  if (wanted) return actions;
  if (input.held.has(address)) return [...actions, ...hold(input, survivor, drains)];
  return [...actions, ...letGo(input, survivor, drains)];
}

/** The actions that would leave nothing serving although something is to serve. */
function tooEarly(input: PlanInput, actions: readonly Action[]): ReadonlySet<Action> {
  const isWanted = (address: Address) => {
    const server = input.desired.get(address);
    return server?.intent === 'serve' && !server.parameters.down;
  };
  if (![...input.desired.keys()].some(isWanted)) return new Set();
  const serving = new Map(
    input.actual.filter((server) => !isOut(server)).map((server) => [server.id, server]),
  );
  const taking = actions.filter((action) => endsTraffic(action) && serving.delete(action.id));
  const stillServed = [...serving.values()].some(({ address }) => isWanted(address));
  if (stillServed) return new Set();
  return new Set(input.zoneFull ? bestOf(input, taking) : taking);
}

/** Of actions that end traffic, the one whose server is the likeliest to be alive: it asked to drain, and did not vanish or fail. */
function bestOf({ desired }: PlanInput, taking: readonly Action[]): readonly Action[] {
  const rank = (action: Action) => {
    if (action.type === 'remove' && action.reason === 'failing') return 2;
    return desired.has(action.address) ? 0 : 1;
  };
  return [...taking].sort((a, b) => rank(a) - rank(b)).slice(0, 1);
}

function endsTraffic(action: Action): action is Exclude<Action, { type: 'add' }> {
  if (action.type === 'update') return action.changes.down === true;
  return action.type === 'drain' || action.type === 'remove';
}

/** NGINX sends it nothing new. */
export function isOut(server: Pick<ActualServer, 'draining' | 'parameters'>): boolean {
  return server.draining || server.parameters.down;
}

function groupByAddress(servers: readonly ActualServer[]): ReadonlyMap<Address, readonly ActualServer[]> {
  const groups = new Map<Address, ActualServer[]>();
  for (const server of servers) {
    const group = groups.get(server.address);
    if (group) group.push(server);
    else groups.set(server.address, [server]);
  }
  return groups;
}

/** Of several servers with one address, the one that is closest to what is wanted; the oldest where they are equal. */
function pickSurvivor(
  input: PlanInput,
  servers: readonly ActualServer[],
  wanted: DesiredServer | undefined,
): ActualServer {
  const distance = (server: ActualServer): number => {
    if (wanted?.intent !== 'serve') return isOut(server) ? 1 : 0;
    const changes = differences(input.kind, server.parameters, wanted.parameters);
    return (
      (needsReplacement(input, changes) ? 100 : 0) + Object.keys(changes).length + (server.draining ? 1 : 0)
    );
  };
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
): Action[] {
  const isOld = (server: ActualServer) =>
    wanted?.intent === 'serve' &&
    needsReplacement(input, differences(input.kind, server.parameters, wanted.parameters));
  const replaced = isOld(survivor) ? undefined : servers.find(isOld);
  return servers
    .filter((server) => server !== survivor)
    .flatMap((server): Action[] => {
      if (server === replaced) return takeOut(input, server, drains);
      return [{ type: 'remove', id: server.id, address: server.address, reason: 'duplicate' }];
    });
}

function serve(input: PlanInput, server: ActualServer, { address, parameters }: DesiredServer): Action[] {
  const changes = differences(input.kind, server.parameters, parameters);
  if (needsReplacement(input, changes)) return [{ type: 'add', address, parameters }];
  // NGINX takes a server out of `drain` when `down` is set, to either value.
  const back = server.draining ? { ...changes, down: parameters.down } : changes;
  return Object.keys(back).length > 0 ? [{ type: 'update', id: server.id, address, changes: back }] : [];
}

function takeOut(input: PlanInput, server: ActualServer, drains: Map<Address, DrainClock>): Action[] {
  const { id, address, active } = server;
  const out = isOut(server);
  const clock = advanceDrain(input.drains.get(address), out, input.now);
  drains.set(address, clock);
  const step = drainStep({ out, active }, clock, input.limits, input.now);
  if (step === 'take-out') return [{ type: 'drain', id, address }];
  if (step === 'remove-idle') return [{ type: 'remove', id, address, reason: 'idle' }];
  if (step === 'remove-expired') return [{ type: 'remove', id, address, reason: 'expired' }];
  return [];
}

/** A server that is no longer registered: as a drain, unless it is dead and has nothing to drain. */
function letGo(input: PlanInput, server: ActualServer, drains: Map<Address, DrainClock>): Action[] {
  const { id, address } = server;
  if (server.failing) return [{ type: 'remove', id, address, reason: 'failing' }];
  if (input.graced?.has(address)) return hold(input, server, drains);
  return takeOut(input, server, drains);
}

/** The first few of a mass loss are draining by the time it shows: they are put back in, if it was us who took them out. */
function hold(input: PlanInput, server: ActualServer, drains: Map<Address, DrainClock>): Action[] {
  const { id, address } = server;
  const clock = input.drains.get(address);
  if (!clock || clock.outSince === clock.since || !isOut(server)) return [];
  drains.set(address, clock);
  return [{ type: 'update', id, address, changes: { down: false } }];
}

const ORDER: readonly Action['type'][] = ['add', 'update', 'drain', 'remove'];

function inOrder(actions: readonly Action[]): readonly Action[] {
  return [...actions].sort((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type));
}
