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
  const drained = maintenance ? { drained: true as const } : {};
  if (lease === undefined) return { ...instance, cause: { kind: 'key-deleted' }, ...drained };
  return { ...instance, cause: { kind: 'key-gone' }, lease, ...drained };
}

/** The instances that went out of etcd lately, and why. Of too many the oldest are forgotten. */
export class GoneInstances {
  /** The earliest first. */
  readonly #gone = new Map<string, { readonly instance: GoneInstance; readonly at: number }>();

  /** @param at When it went, in ms by the monotonic clock. */
  add(instance: GoneInstance, at: number): void {
    const key = keyOf(instance);
    this.#gone.delete(key);
    this.#gone.set(key, { instance, at });
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
    return this.#gone.get(keyOf(instance))?.instance.cause;
  }

  /** The instances of a service that vanished since then, in ms by the monotonic clock, without being asked to drain. */
  vanishedSince(service: string, since: number): readonly GoneInstance[] {
    return [...this.#gone.values()].flatMap(({ instance, at }) =>
      at >= since && instance.service === service && vanished(instance) ? [instance] : [],
    );
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
      const before = this.#gone.get(key);
      if (before?.instance !== instance) continue;
      const known: GoneInstance = { ...instance, cause: { kind } };
      this.#gone.set(key, { ...before, instance: known });
      resolved.push(known);
    }
    return resolved;
  }
}

function vanished({ cause, drained }: GoneInstance): boolean {
  return cause.kind !== 'deregistered' && !drained;
}

function keyOf({ service, address }: Instance): string {
  return `${service}/${address}`;
}
