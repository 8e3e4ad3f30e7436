import type { Cause } from './cause.js';
import type { InstanceRecord } from './desired.js';
import type { Instance } from './keys.js';
import type { LeaseId } from './ports.js';

/** Most instances that are remembered: whoever writes keys can name any number. */
const MOST = 20_000;

/** How an instance went out of etcd. */
export interface GoneInstance extends Instance {
  readonly cause: Cause;
  /** The lease of its key; undefined where it had none. */
  readonly lease?: LeaseId;
  /** An operator had drained it. */
  readonly drained?: true;
}

/** What is known of how an instance went from its last record alone. */
export function goneInstance(
  instance: Instance,
  { entry, decoded, maintenance }: InstanceRecord,
): GoneInstance {
  const { lease } = entry;
  if (decoded.status === 'accepted' && decoded.registration.drain) {
    return { ...instance, cause: { kind: 'deregistered' } };
  }
  if (lease === undefined) return { ...instance, cause: { kind: 'key-deleted' } };
  return { ...instance, cause: { kind: 'key-gone' }, lease, ...(maintenance ? { drained: true } : {}) };
}

/** The instances that went out of etcd lately, and why. Of too many the oldest are forgotten. */
export class GoneInstances {
  readonly #gone = new Map<string, GoneInstance>();

  add(instance: GoneInstance): void {
    const key = keyOf(instance);
    this.#gone.delete(key);
    this.#gone.set(key, instance);
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= MOST) return;
      this.#gone.delete(oldest);
    }
  }

  /** The instance is registered again. */
  delete(instance: Instance): void {
    this.#gone.delete(keyOf(instance));
  }

  /** Why the instance went; undefined where that is not known. */
  cause(instance: Instance): Cause | undefined {
    return this.#gone.get(keyOf(instance))?.cause;
  }

  /**
   * It is known now whether the lease of these instances still exists. One that has been registered since is passed over.
   * Returns the others.
   */
  resolve(gone: Iterable<GoneInstance>, leaseExists: boolean): readonly GoneInstance[] {
    const kind = leaseExists ? 'key-deleted' : 'lease-ended';
    const resolved: GoneInstance[] = [];
    for (const instance of gone) {
      const key = keyOf(instance);
      if (this.#gone.get(key) !== instance) continue;
      const known: GoneInstance = { ...instance, cause: { kind } };
      this.#gone.set(key, known);
      resolved.push(known);
    }
    return resolved;
  }
}

function keyOf({ service, address }: Instance): string {
  return `${service}/${address}`;
}
