import { type JsonBounds, readJsonObject } from './bounded-json.js';
import { drainedKey, type Instance, type KeySpace, watchersPrefix } from './keys.js';
import { type Entry, MAX_VALUE_BYTES } from './ports.js';

/** A request to take an instance out: its drain at this revision of etcd. */
export interface DrainAsked extends Instance {
  readonly revision: number;
}

/** A watcher that owes an answer, and for which instance. */
export interface Debt extends Instance {
  readonly watcher: string;
}

/**
 * Which live watchers have yet to take which instances out. A watcher counts while its key under `watchers/` lives and
 * lists the service; its answer is `drained/<service>/<address>/<watcher>` with a revision not before the request's.
 */
export function openDebts(
  space: KeySpace,
  entries: ReadonlyMap<string, Entry>,
  requests: readonly DrainAsked[],
): readonly Debt[] {
  const debts: Debt[] = [];
  for (const { watcher, services } of liveWatchers(space, entries)) {
    for (const { service, address, revision } of requests) {
      if (!services.has(service)) continue;
      const answer = entries.get(drainedKey(space, { service, address }, watcher));
      if (!(Number(answer?.value) >= revision)) debts.push({ watcher, service, address });
    }
  }
  return debts;
}

/** The watchers that are there, and the services that each drives. */
export function liveWatchers(
  space: KeySpace,
  entries: ReadonlyMap<string, Entry>,
): readonly { watcher: string; services: Pick<ReadonlySet<unknown>, 'has'> }[] {
  const prefix = watchersPrefix(space);
  return [...entries.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .map((entry) => ({ watcher: entry.key.slice(prefix.length), services: servicesIn(entry) }));
}

/** A watcher names every group and service that it drives, in a value that is not cut. */
const PRESENCE_BOUNDS: JsonBounds = { length: MAX_VALUE_BYTES, depth: 4, items: MAX_VALUE_BYTES };

/**
 * The `services` of a presence value; none where it is not what a watcher writes. Of one that drives more services than
 * a value can be read with, it is taken that it drives any: its answer is worth waiting for.
 */
function servicesIn({ value, oversized }: Entry): Pick<ReadonlySet<unknown>, 'has'> {
  if (oversized !== undefined) return { has: () => true };
  const presence = readJsonObject(value, PRESENCE_BOUNDS);
  const services = presence.ok ? presence.value.services : undefined;
  return new Set(Array.isArray(services) ? services : []);
}
