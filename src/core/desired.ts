import type { Address } from './address.js';
import type { Instance } from './keys.js';
import type { KeyValue } from './ports.js';
import type { Decoded } from './registration-codec.js';
import { DEFAULT_PARAMETERS, type ServerParameters } from './server-parameters.js';

/**
 * What etcd wants of one address in one upstream:
 * `serve` with these parameters; `drain`; or `keep` as it is, where a registration cannot be read and must
 * therefore neither add nor change nor remove anything.
 */
export type Intent = 'serve' | 'drain' | 'keep';

/** A request to take an instance out, which is owed an answer. */
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
}

/** One instance as etcd's keys describe it: its registration, read, and any operator's request. */
export interface InstanceRecord {
  readonly entry: KeyValue;
  /** What the key says, or where it cannot be read what it last said. */
  readonly decoded: Decoded;
  /** The revision of an operator's drain. */
  readonly maintenance?: number;
}

/** Everything registered, by service and then by address. Keys that are no instance at all are left out. */
export interface RegistrationLookup {
  get(service: string): ReadonlyMap<Address, InstanceRecord> | undefined;
}

/**
 * The servers that the given services want in one upstream.
 * An address that several services register serves as long as one of them wants it to, with the parameters of the
 * first service that does.
 */
export function desiredServers(
  catalogue: RegistrationLookup,
  services: readonly string[],
): ReadonlyMap<Address, DesiredServer> {
  const desired = new Map<Address, DesiredServer>();
  for (const service of services) {
    for (const [address, record] of catalogue.get(service) ?? []) {
      const wanted = desiredServer({ service, address }, record);
      const present = desired.get(address);
      desired.set(address, present ? merge(present, wanted) : wanted);
    }
  }
  return desired;
}

/** The revision of the newest request to take the instance out, its own or an operator's; undefined where none stands. */
export function drainRevision({ entry, decoded, maintenance }: InstanceRecord): number | undefined {
  const own = decoded.status === 'accepted' && decoded.registration.drain ? entry.revision : undefined;
  if (own === undefined || maintenance === undefined) return own ?? maintenance;
  return Math.max(own, maintenance);
}

function desiredServer(instance: Instance, record: InstanceRecord): DesiredServer {
  const { address } = instance;
  const { decoded } = record;
  const accepted = decoded.status === 'accepted' ? decoded.registration : undefined;
  const parameters = accepted?.parameters ?? DEFAULT_PARAMETERS;
  const revision = drainRevision(record);
  if (revision !== undefined) {
    return { address, intent: 'drain', parameters, requests: [{ ...instance, revision }] };
  }
  return { address, intent: accepted ? 'serve' : 'keep', parameters, requests: [] };
}

const PRECEDENCE: readonly Intent[] = ['serve', 'keep', 'drain'];

function merge(first: DesiredServer, second: DesiredServer): DesiredServer {
  const winner = PRECEDENCE.indexOf(first.intent) <= PRECEDENCE.indexOf(second.intent) ? first : second;
  return { ...winner, requests: [...first.requests, ...second.requests] };
}
