import type { Address } from './address.js';
import type { Cause } from './cause.js';
import type { Instance } from './keys.js';
import type { Maintenance } from './maintenance.js';
import type { KeyValue } from './ports.js';
import type { Decoded } from './registration-codec.js';
import { DEFAULT_PARAMETERS, type ServerParameters } from './server-parameters.js';

/**
 * What etcd wants of one address in one upstream:
 * `serve` with these parameters; `drain`; or `keep` as it is, where a registration cannot be read and must
 * therefore neither add nor change nor remove anything.
 */
export type Intent = 'serve' | 'drain' | 'keep';

/** A request to drain an instance, which is owed an acknowledgement. */
export interface DrainRequest extends Instance {
  /** The etcd revision of the request. */
  readonly revision: number;
}

export interface DesiredServer {
  readonly address: Address;
  readonly intent: Intent;
  readonly parameters: ServerParameters;
  /** The requests that make it drain; one for each service that asked. */
  readonly requests: readonly DrainRequest[];
  /** What in etcd it follows from. */
  readonly cause: Cause;
}

/** The servers wanted in one upstream, by address. */
export interface DesiredServers {
  get(address: Address): DesiredServer | undefined;
  values(): Iterable<DesiredServer>;
}

/** One instance as etcd's keys describe it: its registration, read, and any operator's request. */
export interface InstanceRecord {
  readonly entry: KeyValue;
  /** What the key says, or what it said last where it cannot be read any more. */
  readonly decoded: Decoded;
  readonly maintenance?: MaintenanceRequest;
  /** The revision at which an operator's drain was found to be over, where the key has not been written since. */
  readonly undrained?: number;
}

/** An operator's request to drain an instance. */
export interface MaintenanceRequest {
  readonly revision: number;
  readonly said: Maintenance;
}

/** What each service wants, by address. Keys that are no instance at all are left out. */
export interface DesiredLookup {
  desired(service: string): ReadonlyMap<Address, DesiredServer>;
}

/**
 * The servers that the given services want in one upstream, as the lookup has them at each moment: nothing is copied.
 * An address that several services register serves as long as one of them wants it to, with the parameters of the first
 * service that does.
 */
export function desiredServers(lookup: DesiredLookup, services: readonly string[]): DesiredServers {
  const [first = NOTHING_WANTED, ...others] = services.map((service) => lookup.desired(service));
  if (others.length === 0) return first;
  const maps = [first, ...others];
  const get = (address: Address) =>
    maps.flatMap((map) => map.get(address) ?? []).reduce<DesiredServer | undefined>(merge, undefined);
  return {
    get,
    *values() {
      for (const [index, map] of maps.entries()) {
        for (const address of map.keys()) {
          const server = maps.slice(0, index).some((before) => before.has(address))
            ? undefined
            : get(address);
          if (server) yield server;
        }
      }
    },
  };
}

/** Whether the server is to get traffic. */
export function isWanted(server: DesiredServer | undefined): boolean {
  return server?.intent === 'serve' && !server.parameters.down;
}

export function anyWanted(servers: DesiredServers): boolean {
  for (const server of servers.values()) if (isWanted(server)) return true;
  return false;
}

/** The revision of the newest request to drain the instance, its own or an operator's; undefined where there is none. */
export function drainRevision({ entry, decoded, maintenance }: InstanceRecord): number | undefined {
  const own = decoded.status === 'accepted' && decoded.registration.drain ? entry.revision : undefined;
  if (own === undefined || maintenance === undefined) return own ?? maintenance?.revision;
  return Math.max(own, maintenance.revision);
}

/** What one instance wants. */
export function desiredServer(instance: Instance, record: InstanceRecord): DesiredServer {
  const { address } = instance;
  const { decoded } = record;
  const accepted = decoded.status === 'accepted' ? decoded.registration : undefined;
  const parameters = accepted?.parameters ?? DEFAULT_PARAMETERS;
  const revision = drainRevision(record);
  if (revision !== undefined) {
    const { service } = instance;
    const requests = [{ service, address, revision }];
    return { address, intent: 'drain', parameters, requests, cause: drainCause(record, revision) };
  }
  return {
    address,
    intent: accepted ? 'serve' : 'keep',
    parameters,
    requests: [],
    cause: registrationCause(record),
  };
}

/** @param revision That of the newest request. */
function drainCause({ maintenance }: InstanceRecord, revision: number): Cause {
  if (maintenance?.revision === revision) return { kind: 'operator-drain', ...maintenance };
  return { kind: 'drain-requested', revision };
}

function registrationCause({ entry: { revision }, undrained }: InstanceRecord): Cause {
  if (undrained !== undefined) return { kind: 'operator-undrain', revision: undrained };
  return { kind: 'registered', revision };
}

const NOTHING_WANTED: ReadonlyMap<Address, DesiredServer> = new Map();

const PRECEDENCE: readonly Intent[] = ['serve', 'keep', 'drain'];

function merge(first: DesiredServer | undefined, second: DesiredServer): DesiredServer {
  if (!first) return second;
  const winner = PRECEDENCE.indexOf(first.intent) <= PRECEDENCE.indexOf(second.intent) ? first : second;
  return { ...winner, requests: [...first.requests, ...second.requests] };
}
