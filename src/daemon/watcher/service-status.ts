import { drainRevision } from '../../core/desired.js';
import type { Registrations } from '../../core/registrations.js';
import type { ServiceStatus } from '../watcher-status.js';

export function serviceStatus(name: string, registrations: Registrations): ServiceStatus {
  const records = [...registrations.get(name).values()];
  const draining = records.filter((record) => drainRevision(record) !== undefined).length;
  return { name, registered: records.length, draining };
}
