import { type Address, parseAddress } from './address.js';
import { err, ok, quote, type Result } from './result.js';

/** Where sidekick keeps its keys in etcd. Both prefixes end in a slash, so that they match on exact boundaries. */
export interface KeyPrefixes {
  /** Registrations; default `/services/`. */
  readonly services: string;
  /** Watchers, their acknowledgements, and operators' requests; default `/sidekick/`. */
  readonly control: string;
}

export const DEFAULT_KEY_PREFIXES: KeyPrefixes = { services: '/services/', control: '/sidekick/' };

/** One instance of a service, as registration keys, drain requests and acknowledgements name it. */
export interface Instance {
  readonly service: string;
  readonly address: Address;
}

const SERVICE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;

/** Reads a service name: letters, digits, `_`, `.` and `-`, at most 128 characters. */
export function parseService(text: string): Result<string> {
  if (SERVICE.test(text)) return ok(text);
  return err(`service must be letters, digits, "_", "." or "-" (at most 128), got ${quote(text)}`);
}

export function registrationKey(prefixes: KeyPrefixes, { service, address }: Instance): string {
  return `${prefixes.services}${service}/${address}`;
}

/** Every registration of one service. */
export function servicePrefix(prefixes: KeyPrefixes, service: string): string {
  return `${prefixes.services}${service}/`;
}

export function watchersPrefix(prefixes: KeyPrefixes): string {
  return `${prefixes.control}watchers/`;
}

export function watcherKey(prefixes: KeyPrefixes, id: string): string {
  return `${watchersPrefix(prefixes)}${id}`;
}

export function maintenancePrefix(prefixes: KeyPrefixes): string {
  return `${prefixes.control}maintenance/`;
}

export function maintenanceKey(prefixes: KeyPrefixes, { service, address }: Instance): string {
  return `${maintenancePrefix(prefixes)}${service}/${address}`;
}

/** Operators' requests that the guard lets go of a service's servers: written under a lease of a minute; the value is ignored. */
export function unholdPrefix(prefixes: KeyPrefixes): string {
  return `${prefixes.control}unhold/`;
}

export function unholdKey(prefixes: KeyPrefixes, service: string): string {
  return `${unholdPrefix(prefixes)}${service}`;
}

/** The acknowledgements of every watcher for every instance. */
export function drainedRoot(prefixes: KeyPrefixes): string {
  return `${prefixes.control}drained/`;
}

/** A watcher's acknowledgement for an instance. */
export function drainedKey(prefixes: KeyPrefixes, { service, address }: Instance, watcherId: string): string {
  return `${drainedRoot(prefixes)}${service}/${address}/${watcherId}`;
}

/** What the watchers say of themselves, each under its own id. */
export function watcherStatusPrefix(prefixes: KeyPrefixes): string {
  return `${prefixes.control}status/watchers/`;
}

export function watcherStatusKey(prefixes: KeyPrefixes, id: string): string {
  return `${watcherStatusPrefix(prefixes)}${id}`;
}

/** What the registrars say of their instances. */
export function instanceStatusPrefix(prefixes: KeyPrefixes): string {
  return `${prefixes.control}status/instances/`;
}

export function instanceStatusKey(prefixes: KeyPrefixes, { service, address }: Instance): string {
  return `${instanceStatusPrefix(prefixes)}${service}/${address}`;
}

/** The service that a key under this prefix names, whatever follows the name; undefined where it names none. */
export function serviceIn(prefix: string, key: string): string | undefined {
  if (!key.startsWith(prefix)) return undefined;
  // A longer segment is not a name: the rest of the key does not matter.
  const [segment = ''] = key.slice(prefix.length, prefix.length + 130).split('/', 1);
  const service = parseService(segment);
  return service.ok ? service.value : undefined;
}

/** Reads the `<service>/<host>:<port>` that follows a prefix. */
export function parseInstance(prefix: string, key: string): Result<Instance> {
  const slash = key.indexOf('/', prefix.length);
  if (!key.startsWith(prefix) || slash < 0) return err(`key must be ${prefix}<service>/<host>:<port>`);
  const service = parseService(key.slice(prefix.length, slash));
  if (!service.ok) return service;
  const address = parseAddress(key.slice(slash + 1));
  if (!address.ok) return address;
  return ok({ service: service.value, address: address.value });
}
