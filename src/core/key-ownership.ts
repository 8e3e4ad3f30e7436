import type { KeyValue, LeaseId } from './ports.js';

/** A key that this process wants to hold in etcd. */
interface WantedKey {
  readonly value: string;
  /** The revision of our last write of it, under whichever lease; undefined before the first. */
  readonly written: number | undefined;
}

/** Our lease, and those that we held before and lost. */
export interface LeaseHistory {
  readonly current: LeaseId;
  readonly former: ReadonlySet<LeaseId>;
}

/** `write`: put it. `held`: it is as wanted. `yield`: a newer process has it; leave it alone. */
type OwnershipDecision = 'write' | 'held' | 'yield';

/**
 * Which process a key belongs to, and so what to do about it. Pure.
 *
 * | in etcd                       | written last      | decision | because                                         |
 * |-------------------------------|-------------------|---------|-------------------------------------------------|
 * | absent                        |                   | write   | it was lost, or never written                   |
 * | under our lease, our value    |                   | held    |                                                 |
 * | under our lease, other value  |                   | write   | somebody changed it                             |
 * | under a former lease of ours  |                   | write   | it would end with that lease                    |
 * | under no lease                |                   | write   | it would outlive us                             |
 * | under another's lease         | never by us       | write   | we are the newer process                        |
 * | under another's, older write  | by us, later      | write   | etcd was set back to an earlier state           |
 * | under another's, newer write  | by us, before     | yield   | the other is the newer process                  |
 */
export function decideOwnership(
  wanted: WantedKey,
  found: KeyValue | undefined,
  leases: LeaseHistory,
): OwnershipDecision {
  if (found?.lease === undefined) return 'write';
  if (found.lease === leases.current) return found.value === wanted.value ? 'held' : 'write';
  if (leases.former.has(found.lease)) return 'write';
  return wanted.written !== undefined && found.revision > wanted.written ? 'yield' : 'write';
}
