import { type Address, differingNetworks, type Networks } from './address.js';
import { type Allow, meansAnyOf, refusedAddress } from './address-policy.js';
import { DEFAULT_SERVICE_LIMITS, type ServiceLimits } from './admission.js';
import type { DesiredLookup, DesiredServer, InstanceRecord } from './desired.js';
import { messageOf } from './errors.js';
import type { GoneInstance } from './gone-instances.js';
import { type Instance, type KeyPrefixes, maintenancePrefix, parseInstance, serviceIn } from './keys.js';
import { decodeMaintenance, type Maintenance } from './maintenance.js';
import type { KeyValue, RegistrySnapshot } from './ports.js';
import {
  type Decoded,
  MAX_VALUE_LENGTH,
  readValue,
  type ValueRead,
  withInstance,
} from './registration-codec.js';
import { quote } from './result.js';
import { type Rejection, ServiceRegistrations } from './service-registrations.js';

/** The addresses of which something has changed, by service. */
export type ChangedInstances = ReadonlyMap<string, ReadonlySet<Address>>;

/** What one snapshot brought. */
export interface RegistrationChange {
  /** The instances that came, went, or say something else. */
  readonly instances: ChangedInstances;
  /** The instances that are gone, and how they went. */
  readonly gone: readonly GoneInstance[];
  /** Services any of whose keys has changed, taken or not. */
  readonly touched: ReadonlySet<string>;
  /** Keys newly found to be bad. */
  readonly rejected: readonly Rejection[];
  /** Keys newly taken with something in them ignored. */
  readonly warnings: readonly Rejection[];
  /** Services that have come up against their limits. */
  readonly limited: readonly string[];
}

/** What is taken for a registration, and what is not. */
export interface RegistrationRules {
  readonly allow: Allow;
  readonly limits: ServiceLimits;
  /** The load balancer's own addresses. */
  readonly own: Networks;
}

const DEFAULT_RULES: RegistrationRules = { allow: {}, limits: DEFAULT_SERVICE_LIMITS, own: [] };

interface Change {
  readonly instances: Map<string, Set<Address>>;
  readonly gone: GoneInstance[];
  readonly touched: Set<string>;
  readonly rejected: Rejection[];
  readonly warnings: Rejection[];
  readonly limited: Set<string>;
}

/** What a snapshot brings; the revision may be left out where nothing follows from it. */
type Changes = Pick<RegistrySnapshot, 'entries' | 'changed'> & Partial<Pick<RegistrySnapshot, 'revision'>>;

const NONE: ReadonlyMap<Address, never> = new Map<Address, never>();

/** How many bytes one value counts for at most: a longer one is not read. */
const MOST_BYTES = MAX_VALUE_LENGTH;

/**
 * What is registered, kept current from snapshot to snapshot: only the keys that changed are read again, so that one
 * change among ten thousand registrations costs what one costs. What is gone from etcd leaves nothing here but the name of
 * its service, until that is forgotten too. The maps that it returns stay current as well, while the service has keys.
 */
export class Registrations implements DesiredLookup {
  readonly #prefixes: KeyPrefixes;
  readonly #maintenancePrefix: string;
  #rules: RegistrationRules;
  readonly #services = new Map<string, ServiceRegistrations>();
  /** Keys that name no service. */
  readonly #nameless = new Map<string, Rejection>();
  readonly #seen: Set<string>;
  #names: object = {};
  #revision = 0;
  #lastRead: { readonly value: string; readonly read: ValueRead } | undefined;

  /** @param seen Services known to have been registered before. */
  constructor(prefixes: KeyPrefixes, rules: Partial<RegistrationRules> = {}, seen: Iterable<string> = []) {
    this.#prefixes = prefixes;
    this.#maintenancePrefix = maintenancePrefix(prefixes);
    this.#rules = { ...DEFAULT_RULES, ...rules };
    this.#seen = new Set(seen);
  }

  /** Takes in the keys of `view.changed`, each of which is parsed once. */
  apply(view: Changes): RegistrationChange {
    this.#revision = Math.max(this.#revision, view.revision ?? 0);
    const change: Change = {
      instances: new Map(),
      gone: [],
      touched: new Set(),
      rejected: [],
      warnings: [],
      limited: new Set(),
    };
    for (const key of inOrder(view)) {
      const entry = view.entries.get(key);
      try {
        if (key.startsWith(this.#prefixes.services)) this.#register(key, entry, view, change);
        else if (key.startsWith(this.#maintenancePrefix)) this.#maintain(key, entry, change);
      } catch (error) {
        // The last guard: a fault in reading one key is a reason to reject that key, and ends nothing.
        this.#reject({ key, revision: entry?.revision ?? 0, reason: fault(error) }, change);
      }
    }
    this.#refresh(change);
    return { ...change, limited: [...change.limited] };
  }

  /** The load balancer has other addresses: takes in anew the keys that are refused for that, or are so no longer. */
  ownAddressesChanged(own: Networks, entries: RegistrySnapshot['entries']): RegistrationChange {
    const differing = differingNetworks(this.#rules.own, own);
    const changed = new Set<string>();
    if (differing.length > 0) {
      for (const key of entries.keys()) if (this.#decides(own, differing, key)) changed.add(key);
    }
    this.#rules = { ...this.#rules, own };
    // What is refused from now on is still in etcd.
    return { ...this.apply({ entries, changed }), gone: [] };
  }

  /** Whether the key is refused for another reason, or no longer, once these are the load balancer's own addresses. */
  #decides(own: Networks, differing: Networks, key: string): boolean {
    const instance = parseInstance(this.#prefixes.services, key);
    if (!instance.ok || !meansAnyOf(instance.value.address, differing)) return false;
    const { service, address } = instance.value;
    const { allow, own: before } = this.#rules;
    return refusedAddress(service, address, allow, before) !== refusedAddress(service, address, allow, own);
  }

  /** The revision of etcd up to which this is true; 0 where none was said. */
  get revision(): number {
    return this.#revision;
  }

  /** The instances of a service. An address that two keys spell differently is one: the newer key counts. */
  get(name: string): ReadonlyMap<Address, InstanceRecord> {
    return this.#services.get(name)?.instances ?? NONE;
  }

  /** What the service wants of each of its instances. */
  desired(name: string): ReadonlyMap<Address, DesiredServer> {
    return this.#services.get(name)?.desired ?? NONE;
  }

  /** The requests to drain instances of the service: the newest revision for each address. */
  drainRequests(name: string): ReadonlyMap<Address, number> {
    return this.#services.get(name)?.drainRequests ?? NONE;
  }

  /** How many instances of the service have a registration that is taken, or was while its value could be read. */
  accepted(name: string): number {
    return this.#services.get(name)?.accepted ?? 0;
  }

  /** The services of which a valid registration was ever seen. Groups of other services are left alone. */
  get services(): ReadonlySet<string> {
    return this.#seen;
  }

  /** Another object whenever `services` are others. */
  get names(): object {
    return this.#names;
  }

  /** Forgets a service that has no registration; one that has is left alone. Tells whether it is forgotten. */
  forget(name: string): boolean {
    if (this.#services.has(name) || !this.#seen.delete(name)) return false;
    this.#names = {};
    return true;
  }

  /** Every instance that an operator has taken out, registered or not. */
  get maintenance(): readonly (Instance & Maintenance)[] {
    return [...this.#services].flatMap(([service, { maintenance }]) =>
      [...maintenance].map(([address, { said }]) => ({ service, address, ...said })),
    );
  }

  /** Every key that is not taken now, but for those above a limit. */
  get rejected(): readonly Rejection[] {
    return [
      ...this.#nameless.values(),
      ...[...this.#services.values()].flatMap(({ rejected }) => [...rejected.values()]),
    ];
  }

  /** How many keys of the service are not taken: for what they say, and for want of room. */
  refused(name: string): { readonly rejected: number; readonly overLimit: number } {
    const service = this.#services.get(name);
    return { rejected: service?.rejected.size ?? 0, overLimit: service?.admission.waiting ?? 0 };
  }

  /** Puts together what is known now of the instances that have changed, and forgets services of which nothing is left. */
  #refresh({ instances, gone, touched }: Change): void {
    for (const [name, addresses] of instances) {
      const service = this.#services.get(name);
      if (!service) continue;
      for (const address of addresses) {
        const went = service.refresh(address, this.#revision);
        if (went) gone.push(went);
      }
    }
    for (const name of touched) {
      const service = this.#services.get(name);
      if (service?.isEmpty) this.#services.delete(name);
    }
  }

  #register(
    key: string,
    entry: KeyValue | undefined,
    view: Pick<RegistrySnapshot, 'entries'>,
    change: Change,
  ): void {
    this.#nameless.delete(key);
    const instance = parseInstance(this.#prefixes.services, key);
    const name = instance.ok ? instance.value.service : serviceIn(this.#prefixes.services, key);
    if (name !== undefined) this.#services.get(name)?.rejected.delete(key);
    if (!instance.ok) {
      if (entry) this.#reject({ key, revision: entry.revision, reason: instance.reason }, change);
      else if (name !== undefined) change.touched.add(name);
      return;
    }
    change.touched.add(instance.value.service);
    if (!entry) {
      this.#remove(instance.value, key, view, change);
      return;
    }
    const { allow, own } = this.#rules;
    const refusal = refusedAddress(instance.value.service, instance.value.address, allow, own);
    if (refusal === undefined) this.#put(instance.value, entry, change);
    else {
      // It may have been taken: the load balancer's own addresses change.
      this.#remove(instance.value, key, view, change);
      this.#reject({ key, revision: entry.revision, reason: refusal }, change);
    }
  }

  #put(instance: Instance, entry: KeyValue, change: Change): void {
    const { key, revision } = entry;
    const service = this.#service(instance.service);
    const hadRoom = service.admission.waiting === 0;
    if (service.admission.offer(key, bytesOf(entry))) this.#take(service, instance, entry, change);
    else if (service.admission.has(key)) {
      const reason = `the values of ${instance.service} are more than ${this.#rules.limits.bytes} bytes (limits.bytes)`;
      this.#reject({ key, revision, reason }, change);
    } else if (hadRoom) change.limited.add(instance.service);
  }

  #take(service: ServiceRegistrations, instance: Instance, entry: KeyValue, change: Change): void {
    const { key, revision } = entry;
    const decoded = this.#decode(entry, instance);
    if (decoded.status === 'rejected') this.#reject({ key, revision, reason: decoded.reason }, change);
    else {
      if (!this.#seen.has(instance.service)) this.#names = {};
      this.#seen.add(instance.service);
      for (const reason of decoded.warnings) {
        change.warnings.push({ key, service: instance.service, revision, reason });
      }
    }
    service.put(instance.address, entry, decoded);
    noteInstance(change, instance);
  }

  #decode({ value, oversized }: KeyValue, instance: Instance): Decoded {
    if (oversized !== undefined) {
      const reason = `value must be at most ${MAX_VALUE_LENGTH} characters, got ${oversized} bytes`;
      return { status: 'rejected', instance, reason };
    }
    try {
      return withInstance(instance, this.#read(value));
    } catch (error) {
      return { status: 'rejected', instance, reason: fault(error) };
    }
  }

  /** Most instances of a service have equal values: one that equals the value before it is not read again. */
  #read(value: string): ValueRead {
    if (this.#lastRead?.value !== value) this.#lastRead = { value, read: readValue(value) };
    return this.#lastRead.read;
  }

  #remove(
    instance: Instance,
    key: string,
    { entries }: Pick<RegistrySnapshot, 'entries'>,
    change: Change,
  ): void {
    const service = this.#services.get(instance.service);
    if (!service) return;
    if (service.remove(instance.address, key)) noteInstance(change, instance);
    for (const next of service.admission.withdraw(key)) {
      const entry = entries.get(next);
      const admitted = parseInstance(this.#prefixes.services, next);
      if (entry && admitted.ok) this.#take(service, admitted.value, entry, change);
    }
  }

  #maintain(key: string, entry: KeyValue | undefined, change: Change): void {
    const instance = parseInstance(this.#maintenancePrefix, key);
    if (!instance.ok) return;
    const { service, address } = instance.value;
    const { maintenance } = this.#service(service);
    if (entry) maintenance.set(address, { said: decodeMaintenance(entry.value), revision: entry.revision });
    else maintenance.delete(address);
    noteInstance(change, instance.value);
    change.touched.add(service);
  }

  #reject(rejection: Rejection, change: Change): void {
    const { key } = rejection;
    const service = serviceIn(this.#prefixes.services, key);
    const said = service === undefined ? rejection : { ...rejection, service };
    if (service === undefined) this.#nameless.set(key, said);
    else {
      this.#service(service).rejected.set(key, said);
      change.touched.add(service);
    }
    change.rejected.push(said);
  }

  #service(name: string): ServiceRegistrations {
    const known = this.#services.get(name);
    if (known) return known;
    const service = new ServiceRegistrations(name, this.#rules.limits);
    this.#services.set(name, service);
    return service;
  }
}

/** What is gone first, as that makes room; then what is there, the oldest first, as the limits go by age. */
function inOrder({ entries, changed }: Pick<RegistrySnapshot, 'entries' | 'changed'>): readonly string[] {
  const age = (key: string) => {
    const entry = entries.get(key);
    return entry ? (entry.created ?? entry.revision) : Number.NEGATIVE_INFINITY;
  };
  return [...changed]
    .map((key) => ({ key, age: age(key) }))
    .sort((a, b) => (a.age < b.age ? -1 : a.age > b.age ? 1 : 0))
    .map(({ key }) => key);
}

function noteInstance({ instances }: Change, { service, address }: Instance): void {
  const addresses = instances.get(service);
  if (addresses) addresses.add(address);
  else instances.set(service, new Set([address]));
}

const ENCODER = new TextEncoder();
/** Text of which each character is one byte, as nearly every value is. */
const ASCII = /^[\n -~]*$/;

function bytesOf({ value, oversized }: KeyValue): number {
  if (oversized !== undefined || value.length > MOST_BYTES) return MOST_BYTES;
  return ASCII.test(value) ? value.length : ENCODER.encode(value).length;
}

function fault(error: unknown): string {
  return `could not be read: ${quote(messageOf(error))}`;
}
