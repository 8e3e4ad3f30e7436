import { type JsonBounds, readJsonObject } from './bounded-json.js';
import { drainedKey, type Instance, type KeyPrefixes, watchersPrefix } from './keys.js';
import { type KeyValue, MAX_VALUE_BYTES } from './ports.js';

/** A request to take an instance out: its drain at this revision of etcd. */
export interface DrainAsked extends Instance {
  readonly revision: number;
}

/** A watcher that owes an answer, and for which instance. */
export interface PendingAck extends Instance {
  readonly watcher: string;
}

/**
 * Which live watchers have yet to take which instances out. A watcher counts while its key under `watchers/` lives and
 * lists the service; its answer is `drained/<service>/<address>/<watcher>` with a revision not before the request's.
 */
export function pendingAcks(
  space: KeyPrefixes,
  entries: ReadonlyMap<string, KeyValue>,
  requests: readonly DrainAsked[],
): readonly PendingAck[] {
  const debts: PendingAck[] = [];
  for (const { watcher, services } of liveWatchers(space, entries)) {
    for (const { service, address, revision } of requests) {
      if (!services.has(service)) continue;
      const answer = entries.get(drainedKey(space, { service, address }, watcher));
      if (!(Number(answer?.value) >= revision)) debts.push({ watcher, service, address });
    }
  }
  return debts;
}

/** A watcher that is there, as its presence key describes it. */
export interface LiveWatcher {
  readonly watcher: string;
  /** Whether it drives a service. */
  readonly services: Pick<ReadonlySet<unknown>, 'has'>;
  /** The services that it names. */
  readonly named: readonly string[];
  /** How many servers its guard holds of a service; undefined where it does not say. */
  heldOf(service: string): number | undefined;
}

/** The watchers that are there. What their keys say is not trusted. */
export function liveWatchers(
  space: KeyPrefixes,
  entries: ReadonlyMap<string, KeyValue>,
): readonly LiveWatcher[] {
  const prefix = watchersPrefix(space);
  return [...entries.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .map((entry) => ({ watcher: entry.key.slice(prefix.length), ...readPresence(entry) }));
}

/** A watcher names every group and service that it drives, in a value that is not cut. */
const PRESENCE_BOUNDS: JsonBounds = { length: MAX_VALUE_BYTES, depth: 4, items: MAX_VALUE_BYTES };

/**
 * Nothing is known of a watcher whose value is not what a watcher writes. Of one that drives more services than a value
 * can be read with, it is taken that it drives any: its answer is worth waiting for.
 */
function readPresence({ value, oversized }: KeyValue): Omit<LiveWatcher, 'watcher'> {
  if (oversized !== undefined) {
    return { services: { has: () => true }, named: [], heldOf: () => undefined };
  }
  const presence = readJsonObject(value, PRESENCE_BOUNDS);
  const { services, held } = presence.ok ? (presence.value ?? {}) : {};
  const named = Array.isArray(services) ? services.filter((name) => typeof name === 'string') : [];
  const counts = typeof held === 'object' && held !== null ? held : undefined;
  return {
    services: new Set<unknown>(named),
    named,
    heldOf(service) {
      if (!counts) return undefined;
      const count = Object.hasOwn(counts, service) ? (counts as Record<string, unknown>)[service] : 0;
      return typeof count === 'number' ? count : undefined;
    },
  };
}
