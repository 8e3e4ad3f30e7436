import type { InstanceRecord } from '../../core/desired.js';
import { drainRevision } from '../../core/desired.js';
import type { Registrations } from '../../core/registrations.js';
import type { ServiceStatus } from './status.js';

export function serviceStatus(name: string, registrations: Registrations): ServiceStatus {
  const records = [...registrations.get(name).values()];
  const draining = records.filter((record) => drainRevision(record) !== undefined).length;
  return { name, registered: countRegistered(records), draining, ...registrations.refused(name) };
}

/** How many of them have a registration that is taken. */
export function countRegistered(records: Iterable<InstanceRecord>): number {
  let registered = 0;
  for (const { decoded } of records) if (decoded.status === 'accepted') registered++;
  return registered;
}
