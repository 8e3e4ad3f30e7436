import { type Address, parseAddress } from './address.js';
import { anyNetwork } from './any-network.js';
import { causeText } from './cause.js';
import type { InstanceRecord } from './desired.js';
import { type FleetProblem, findProblems } from './fleet-problems.js';
import {
  type Instance,
  instanceStatusPrefix,
  type KeyPrefixes,
  parseInstance,
  parseService,
  watcherStatusPrefix,
  watchersPrefix,
} from './keys.js';
import { describeMaintenance } from './maintenance.js';
import type { KeyValue } from './ports.js';
import { printable } from './printable.js';
import {
  decodeInstance,
  decodeWatcher,
  type PublishedInstance,
  type PublishedUpstream,
  type PublishedWatcher,
  REGISTERED_DOWN,
} from './published-status.js';
import { Registrations } from './registrations.js';
import { nonDefault } from './server-parameters.js';

/** The whole fleet as etcd has it. Plain JSON; text is safe to print. */
export interface FleetStatus {
  /** Every instance is registered, healthy and in every NGINX, and nothing else is wrong. */
  readonly inSync: boolean;
  /** What is wrong, and what to do. */
  readonly problems: readonly FleetProblem[];
  readonly services: readonly FleetService[];
  readonly watchers: readonly FleetWatcher[];
}

export interface FleetService {
  readonly name: string;
  readonly registered: number;
  readonly inSync: number;
  readonly instances: readonly FleetInstance[];
}

export interface FleetInstance {
  readonly address: string;
  readonly registered: boolean;
  /** The parameters that are not at their defaults. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** `unknown` where no registrar says it; `lost` where its lease ended although nobody had drained it. */
  readonly health: string;
  /** Since when, in ms since the epoch; undefined where not known. */
  readonly since?: number;
  /** Why it is not healthy, not registered, or drained. */
  readonly reason?: string;
  readonly inSync: boolean;
  readonly places: readonly FleetPlace[];
}

/** What one NGINX has an instance as. */
export interface FleetPlace {
  readonly watcher: string;
  readonly nginx: string;
  readonly upstream: string;
  /** `up`, `down`, `draining`, `held`, `missing`, `drained`, `unknown`. */
  readonly state: string;
  readonly active?: number;
  /** When a drain or a hold ends at the latest, in ms since the epoch. */
  readonly until?: number;
  readonly reason?: string;
}

export interface FleetWatcher {
  readonly id: string;
  /** Undefined where it is alive, but publishes nothing. */
  readonly published?: PublishedWatcher;
}

/** A command reads etcd once: what is too much for a watcher is counted all the same. */
const NO_LIMITS = { instances: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };

/** The prefixes that are read for it. */
export function fleetPrefixes(prefixes: KeyPrefixes): readonly string[] {
  return [
    prefixes.services,
    `${prefixes.control}maintenance/`,
    watchersPrefix(prefixes),
    `${prefixes.control}status/`,
  ];
}

/**
 * Puts together what etcd has of the fleet. Registrations are read from their own keys; what daemons publish tells the rest.
 * @param now In ms since the epoch.
 */
export function fleetStatus(
  prefixes: KeyPrefixes,
  entries: ReadonlyMap<string, KeyValue>,
  now: number,
): FleetStatus {
  // Which addresses are allowed, and how many, the watchers decide, and say.
  const registrations = new Registrations(prefixes, { allow: { '*': anyNetwork }, limits: NO_LIMITS });
  registrations.apply({ entries, changed: new Set(entries.keys()) });
  const published = readInstances(prefixes, entries);
  const watchers = readWatchers(prefixes, entries);
  const losses = lossesOf(watchers);
  const names = new Set([...registrations.services, ...published.keys(), ...losses.keys()]);
  const services = [...names].sort().map((name) => {
    const said = published.get(name) ?? new Map<Address, PublishedInstance>();
    const registered = registrations.get(name);
    const addresses = [...new Set([...registered.keys(), ...said.keys()])];
    const present = addresses.map((address) =>
      instanceOf({ service: name, address }, registered.get(address), said.get(address), watchers),
    );
    const lost = [...(losses.get(name) ?? [])]
      .filter(([address]) => !registered.has(address) && !said.has(address))
      .map(([address, since]) => lostInstance({ service: name, address }, since, watchers));
    const instances = [...present, ...lost];
    return {
      name,
      registered: registrations.accepted(name),
      inSync: instances.filter((instance) => instance.inSync).length,
      instances,
    };
  });
  const rejected = registrations.rejected.map(({ key, reason }) => ({ key: printable(key), reason }));
  const problems = findProblems({ services, watchers, rejected, now });
  const inSync = problems.length === 0 && services.every((one) => one.inSync === one.instances.length);
  return { inSync, problems, services, watchers };
}

function instanceOf(
  instance: Instance,
  record: InstanceRecord | undefined,
  said: PublishedInstance | undefined,
  watchers: readonly FleetWatcher[],
): FleetInstance {
  const registration = record?.decoded.status === 'accepted' ? record.decoded.registration : undefined;
  const isDrained = record?.maintenance !== undefined || registration?.drain === true;
  const places = watchers.flatMap((watcher) => placesOf(instance, watcher, isDrained));
  const reason = drainText(record) ?? said?.reason;
  const fits = isDrained ? 'drained' : 'up';
  return {
    address: instance.address,
    registered: record !== undefined,
    parameters: registration ? nonDefault(registration.parameters) : {},
    health: said?.health ?? 'unknown',
    ...(said && said.since > 0 ? { since: said.since } : {}),
    ...(reason === undefined ? {} : { reason }),
    inSync:
      registration !== undefined &&
      said?.health !== 'unhealthy' &&
      places.length > 0 &&
      places.every(({ state, reason: why }) => state === fits || why === REGISTERED_DOWN),
    places,
  };
}

/** An instance of which etcd has nothing any more, but that a watcher has lost. */
function lostInstance(instance: Instance, since: number, watchers: readonly FleetWatcher[]): FleetInstance {
  const places = watchers.flatMap((watcher) => placesOf(instance, watcher, false));
  return {
    address: instance.address,
    registered: false,
    parameters: {},
    health: 'lost',
    since,
    reason: LOST_BECAUSE,
    inSync: false,
    // That a server is not named among those that are not up does not say that NGINX still has it.
    places: places.filter(({ state }) => state !== 'up'),
  };
}

const LOST_BECAUSE = `${causeText({ kind: 'lease-ended' })}, and nobody had drained it`;

/** What the watchers have lost, by service and address, with the earliest time. What they say is untrusted. */
function lossesOf(watchers: readonly FleetWatcher[]): ReadonlyMap<string, ReadonlyMap<Address, number>> {
  const found = new Map<string, Map<Address, number>>();
  for (const { service, address, at } of watchers.flatMap(({ published }) => published?.lost ?? [])) {
    const [name, parsed] = [parseService(service), parseAddress(address)];
    if (!name.ok || !parsed.ok) continue;
    const losses = found.get(name.value) ?? new Map<Address, number>();
    losses.set(parsed.value, Math.min(at, losses.get(parsed.value) ?? at));
    found.set(name.value, losses);
  }
  return found;
}

function drainText(record: InstanceRecord | undefined): string | undefined {
  if (record?.maintenance)
    return `an operator drains it ${describeMaintenance(record.maintenance.said)}`.trim();
  const drains = record?.decoded.status === 'accepted' && record.decoded.registration.drain;
  return drains ? 'its registrar stops' : undefined;
}

function placesOf(
  { service, address }: Instance,
  { id, published }: FleetWatcher,
  isDrained: boolean,
): readonly FleetPlace[] {
  return (published?.nginx ?? []).flatMap((nginx) =>
    nginx.upstreams
      .filter(({ services }) => services.includes(service))
      .map((upstream) => ({
        watcher: id,
        nginx: nginx.name,
        upstream: `${upstream.kind}/${upstream.name}`,
        ...(nginx.state === 'connected' ? standingOf(address, upstream, isDrained) : { state: 'unknown' }),
      })),
  );
}

/** How a server stands in an upstream that is known. */
function standingOf(
  address: Address,
  { others, more, inSync }: PublishedUpstream,
  isDrained: boolean,
): Pick<FleetPlace, 'state' | 'active' | 'until' | 'reason'> {
  const other = others.find((server) => server.address === address);
  if (other) return other;
  // It may be one of those that are not named: one that is drained may still have what is open.
  if (more > 0) return { state: inSync && !isDrained ? 'up' : 'unknown' };
  return { state: isDrained ? 'drained' : 'up' };
}

function readInstances(
  prefixes: KeyPrefixes,
  entries: ReadonlyMap<string, KeyValue>,
): ReadonlyMap<string, ReadonlyMap<Address, PublishedInstance>> {
  const prefix = instanceStatusPrefix(prefixes);
  const found = new Map<string, Map<Address, PublishedInstance>>();
  for (const { key, value } of entries.values()) {
    if (!key.startsWith(prefix)) continue;
    const instance = parseInstance(prefix, key);
    const published = decodeInstance(value);
    if (!instance.ok || !published) continue;
    const { service, address } = instance.value;
    const instances = found.get(service) ?? new Map<Address, PublishedInstance>();
    found.set(service, instances.set(address, published));
  }
  return found;
}

/** The running watchers: those that have a presence key, or publish something. */
function readWatchers(
  prefixes: KeyPrefixes,
  entries: ReadonlyMap<string, KeyValue>,
): readonly FleetWatcher[] {
  const [alive, said] = [watchersPrefix(prefixes), watcherStatusPrefix(prefixes)];
  const found = new Map<string, FleetWatcher>();
  for (const { key, value } of entries.values()) {
    if (key.startsWith(alive)) {
      const id = printable(key.slice(alive.length));
      if (!found.has(id)) found.set(id, { id });
    } else if (key.startsWith(said)) {
      const id = printable(key.slice(said.length));
      const published = decodeWatcher(value);
      if (published) found.set(id, { id, published });
    }
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
