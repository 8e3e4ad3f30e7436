import { type Address, isWithin, type Networks } from './address.js';
import type { InstanceRecord } from './desired.js';
import { type Instance, type KeySpace, maintenancePrefix, parseInstance } from './keys.js';
import type { Entry, View } from './ports.js';
import { type Decoded, decodeRegistration, MAX_VALUE_LENGTH } from './registration-codec.js';

/** A key that is not taken, or not as it is. */
export interface Rejection {
  readonly key: string;
  readonly revision: number;
  readonly reason: string;
}

/** As the codec reads it, if it was kept at all. */
function decodeEntry(space: KeySpace, { key, value, oversized }: Entry): Decoded {
  const decoded = decodeRegistration(space, key, value);
  const instance = decoded.status === 'accepted' ? decoded.registration : decoded.instance;
  if (oversized === undefined || !instance) return decoded;
  const { service, address } = instance;
  const reason = `value must be at most ${MAX_VALUE_LENGTH} characters, got ${oversized} bytes`;
  return { status: 'rejected', instance: { service, address }, reason };
}

/** What one view brought. */
export interface RegistrationChange {
  readonly services: ReadonlySet<string>;
  /** Keys newly found to be bad. */
  readonly rejected: readonly Rejection[];
  /** Keys newly taken with something in them ignored. */
  readonly warnings: readonly Rejection[];
}

type Allow = Readonly<Record<string, Networks>>;

/**
 * What is registered, kept current from view to view: only the keys that changed are read again, so that one change
 * among ten thousand registrations costs one.
 */
export class Registrations {
  readonly #space: KeySpace;
  readonly #allow: Allow;
  /** By service, then by key: two spellings of one address are two keys. */
  readonly #records = new Map<string, Map<string, InstanceRecord & Instance>>();
  readonly #maintenance = new Map<string, Map<Address, number>>();
  readonly #rejected = new Map<string, Rejection>();
  readonly #seen: Set<string>;
  readonly #read = new Map<string, ReadonlyMap<Address, InstanceRecord>>();

  /**
   * @param allow For each service that is limited: the networks in which its instances may lie.
   * @param seen Services known to have been registered before.
   */
  constructor(space: KeySpace, allow: Allow = {}, seen: Iterable<string> = []) {
    this.#space = space;
    this.#allow = allow;
    this.#seen = new Set(seen);
  }

  /** Takes in the keys of `view.changed`. */
  apply(view: Pick<View, 'entries' | 'changed'>): RegistrationChange {
    const services = new Set<string>();
    const rejected: Rejection[] = [];
    const warnings: Rejection[] = [];
    for (const key of view.changed) {
      const entry = view.entries.get(key);
      if (key.startsWith(this.#space.services)) this.#register(key, entry, { services, rejected, warnings });
      else if (key.startsWith(maintenancePrefix(this.#space))) this.#maintain(key, entry, services);
    }
    for (const service of services) this.#read.delete(service);
    return { services, rejected, warnings };
  }

  /** The instances of a service. An address that two keys spell differently is one: the newer key counts. */
  get(service: string): ReadonlyMap<Address, InstanceRecord> {
    const known = this.#read.get(service);
    if (known) return known;
    const instances = new Map<Address, InstanceRecord>();
    for (const { address, entry, decoded } of this.#records.get(service)?.values() ?? []) {
      if ((instances.get(address)?.entry.revision ?? 0) > entry.revision) continue;
      const maintenance = this.#maintenance.get(service)?.get(address);
      instances.set(address, { entry, decoded, ...(maintenance === undefined ? {} : { maintenance }) });
    }
    this.#read.set(service, instances);
    return instances;
  }

  /** The services that have, or have had, a registration worth the name. */
  get services(): ReadonlySet<string> {
    return this.#seen;
  }

  /** Every key that is not taken now. */
  get rejected(): readonly Rejection[] {
    return [...this.#rejected.values()];
  }

  #register(
    key: string,
    entry: Entry | undefined,
    change: { services: Set<string>; rejected: Rejection[]; warnings: Rejection[] },
  ): void {
    this.#rejected.delete(key);
    const former = this.#forget(key, change.services);
    if (!entry) return;
    const { revision } = entry;
    const decoded = this.#decode(entry);
    if (decoded.status === 'rejected') {
      const rejection = { key, revision, reason: decoded.reason };
      this.#rejected.set(key, rejection);
      change.rejected.push(rejection);
    } else {
      this.#seen.add(decoded.registration.service);
      change.warnings.push(...decoded.warnings.map((reason) => ({ key, revision, reason })));
    }
    const instance = decoded.status === 'accepted' ? decoded.registration : decoded.instance;
    if (!instance) return;
    const { service, address } = instance;
    // What cannot be read changes nothing: the last good word about the instance stands.
    const good =
      decoded.status === 'accepted' || former?.decoded.status !== 'accepted' ? decoded : former.decoded;
    const records = this.#records.get(service) ?? new Map<string, InstanceRecord & Instance>();
    this.#records.set(service, records.set(key, { service, address, entry, decoded: good }));
    change.services.add(service);
  }

  /** As the codec reads it; an address outside of the networks allowed for its service is no instance at all. */
  #decode(entry: Entry): Decoded {
    const decoded = decodeEntry(this.#space, entry);
    const instance = decoded.status === 'accepted' ? decoded.registration : decoded.instance;
    const networks = instance && this.#networks(instance.service);
    if (!instance || !networks || isWithin(instance.address, networks)) return decoded;
    const { service, address } = instance;
    return {
      status: 'rejected',
      reason: `address ${address} is in none of the networks allowed for ${service}`,
    };
  }

  #forget(key: string, services: Set<string>): InstanceRecord | undefined {
    const instance = parseInstance(this.#space.services, key);
    if (!instance.ok) return undefined;
    const { service } = instance.value;
    const record = this.#records.get(service)?.get(key);
    if (this.#records.get(service)?.delete(key)) services.add(service);
    return record;
  }

  #maintain(key: string, entry: Entry | undefined, services: Set<string>): void {
    const instance = parseInstance(maintenancePrefix(this.#space), key);
    if (!instance.ok) return;
    const { service, address } = instance.value;
    const addresses = this.#maintenance.get(service) ?? new Map<Address, number>();
    this.#maintenance.set(service, addresses);
    if (entry) addresses.set(address, entry.revision);
    else addresses.delete(address);
    services.add(service);
  }

  #networks(service: string): Networks | undefined {
    return Object.hasOwn(this.#allow, service) ? this.#allow[service] : undefined;
  }
}
