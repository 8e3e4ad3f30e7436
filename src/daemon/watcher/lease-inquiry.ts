import { EtcdError } from '../../core/errors.js';
import type { GoneInstance, GoneInstances } from '../../core/gone-instances.js';
import type { LeaseId, RegistryClient } from '../../core/ports.js';

/** Most leases that are asked about at a time: of a mass loss a sample is enough to know what happened. */
const MOST_UNDER_WAY = 64;

/**
 * Finds out whether instances went because their lease ended: asks etcd whether the lease still exists. Nothing waits for
 * the answer; where there is none, the cause stays unknown.
 */
export class LeaseInquiry {
  readonly #store: Pick<RegistryClient, 'leaseExists'>;
  readonly #gone: GoneInstances;
  readonly #ended: (instances: readonly GoneInstance[]) => void;
  readonly #underWay = new Set<Promise<void>>();

  /** @param ended Called with the instances of each lease that has ended. */
  constructor(
    store: Pick<RegistryClient, 'leaseExists'>,
    gone: GoneInstances,
    ended: (instances: readonly GoneInstance[]) => void,
  ) {
    this.#store = store;
    this.#gone = gone;
    this.#ended = ended;
  }

  ask(gone: readonly GoneInstance[], signal: AbortSignal): void {
    for (const [lease, instances] of byLease(gone)) {
      if (signal.aborted || this.#underWay.size >= MOST_UNDER_WAY) return;
      const asking = this.#ask(lease, instances, signal).finally(() => this.#underWay.delete(asking));
      this.#underWay.add(asking);
    }
  }

  /** Resolves when no question is under way. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #ask(lease: LeaseId, gone: readonly GoneInstance[], signal: AbortSignal): Promise<void> {
    try {
      const exists = await this.#store.leaseExists(lease, signal);
      const resolved = this.#gone.resolve(gone, exists);
      if (!exists) this.#ended(resolved);
    } catch (error) {
      if (!signal.aborted && !(error instanceof EtcdError)) throw error;
    }
  }
}

function byLease(gone: readonly GoneInstance[]): ReadonlyMap<LeaseId, readonly GoneInstance[]> {
  const groups = new Map<LeaseId, GoneInstance[]>();
  for (const instance of gone) {
    if (instance.cause.kind !== 'key-gone' || instance.lease === undefined) continue;
    const group = groups.get(instance.lease);
    if (group) group.push(instance);
    else groups.set(instance.lease, [instance]);
  }
  return groups;
}
