import type { Address } from './address.js';
import { Admission, type ServiceLimits } from './admission.js';
import {
  type DesiredServer,
  desiredServer,
  drainRevision,
  type InstanceRecord,
  type MaintenanceRequest,
} from './desired.js';
import { type GoneInstance, goneInstance } from './gone-instances.js';
import type { KeyValue } from './ports.js';
import type { Decoded } from './registration-codec.js';

/** A key that is not taken, or not as it is. */
export interface Rejection {
  readonly key: string;
  /** Undefined where the key names none. */
  readonly service?: string;
  readonly revision: number;
  readonly reason: string;
}

/** What one key says of an instance. */
type KeyRecord = Omit<InstanceRecord, 'maintenance'>;

/** What is known of one service: what its keys say, and what follows for each instance. The maps stay current. */
export class ServiceRegistrations {
  /** The keys that are not taken, but for those above a limit. */
  readonly rejected = new Map<string, Rejection>();
  /** The instances that an operator has taken out, registered or not. */
  readonly maintenance = new Map<Address, MaintenanceRequest>();
  readonly admission: Admission;
  readonly #name: string;
  /** What the keys of an address say: two spellings of one address are two keys. */
  readonly #records = new Map<Address, readonly KeyRecord[]>();
  readonly #instances = new Map<Address, InstanceRecord>();
  readonly #desired = new Map<Address, DesiredServer>();
  readonly #drainRequests = new Map<Address, number>();
  #accepted = 0;

  constructor(name: string, limits: ServiceLimits) {
    this.#name = name;
    this.admission = new Admission(limits);
  }

  /** An address that two keys spell differently is one instance: the newer key counts. */
  get instances(): ReadonlyMap<Address, InstanceRecord> {
    return this.#instances;
  }

  /** What is wanted of each instance. */
  get desired(): ReadonlyMap<Address, DesiredServer> {
    return this.#desired;
  }

  /** The requests to drain instances: the newest revision for each address. */
  get drainRequests(): ReadonlyMap<Address, number> {
    return this.#drainRequests;
  }

  /** How many instances have a registration that is taken, or was while its value could be read. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Nothing is left of it in etcd. */
  get isEmpty(): boolean {
    return (
      this.#records.size === 0 &&
      this.rejected.size === 0 &&
      this.maintenance.size === 0 &&
      this.admission.isEmpty
    );
  }

  /** Takes in what a key says. A value that cannot be read changes nothing: the last valid one counts. */
  put(address: Address, entry: KeyValue, decoded: Decoded): void {
    const records = this.#records.get(address) ?? [];
    const former = records.find((record) => record.entry.key === entry.key)?.decoded;
    const valid = decoded.status === 'accepted' || former?.status !== 'accepted' ? decoded : former;
    const others = records.filter((record) => record.entry.key !== entry.key);
    this.#records.set(address, [...others, { entry, decoded: valid }]);
  }

  /** Forgets what a key said. Tells whether it said anything. */
  remove(address: Address, key: string): boolean {
    const records = this.#records.get(address) ?? [];
    const others = records.filter((record) => record.entry.key !== key);
    if (others.length === records.length) return false;
    if (others.length > 0) this.#records.set(address, others);
    else this.#records.delete(address);
    return true;
  }

  /**
   * Puts together anew what is known of one instance. Tells how it went, if it went.
   * @param now The revision of etcd up to which that is true.
   */
  refresh(address: Address, now: number): GoneInstance | undefined {
    const instance = { service: this.#name, address };
    const former = this.#instances.get(address);
    const newest = newestOf(this.#records.get(address) ?? []);
    const record = newest && recordOf(newest, this.maintenance.get(address), former, now);
    this.#accepted += countAccepted(record) - countAccepted(former);
    if (!record) {
      for (const map of [this.#instances, this.#desired, this.#drainRequests]) map.delete(address);
      return former && goneInstance(instance, former);
    }
    this.#instances.set(address, record);
    this.#desired.set(address, desiredServer(instance, record));
    const request = drainRevision(record);
    if (request === undefined) this.#drainRequests.delete(address);
    else this.#drainRequests.set(address, request);
    return undefined;
  }
}

function newestOf(records: readonly KeyRecord[]): KeyRecord | undefined {
  if (records.length < 2) return records[0];
  return records.toSorted((a, b) => b.entry.revision - a.entry.revision)[0];
}

function recordOf(
  newest: KeyRecord,
  maintenance: MaintenanceRequest | undefined,
  former: InstanceRecord | undefined,
  now: number,
): InstanceRecord {
  if (maintenance) return { ...newest, maintenance };
  if (former?.entry.revision !== newest.entry.revision) return newest;
  const undrained = former.maintenance ? now : former.undrained;
  return undrained === undefined ? newest : { ...newest, undrained };
}

function countAccepted(record: InstanceRecord | undefined): number {
  return record?.decoded.status === 'accepted' ? 1 : 0;
}
