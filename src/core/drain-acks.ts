import { type JsonBounds, readJsonObject } from './bounded-json.js';
import type { DrainRequest } from './desired.js';
import { drainedKey, type Instance, type KeyPrefixes, watchersPrefix } from './keys.js';
import { type KeyValue, MAX_VALUE_BYTES } from './ports.js';

/** A watcher that has not acknowledged the drain of an instance yet. */
export interface PendingAck extends Instance {
  readonly watcher: string;
}

/**
 * The acknowledgements that the requests still need: one of each live watcher that drives the service. A watcher is live
 * while its key under `watchers/` exists, and drives the services that its value lists. It acknowledges with the key
 * `drained/<service>/<address>/<watcher>`, whose value is a revision no older than the request's.
 */
export function pendingAcks(
  prefixes: KeyPrefixes,
  entries: ReadonlyMap<string, KeyValue>,
  requests: readonly DrainRequest[],
): readonly PendingAck[] {
  const pending: PendingAck[] = [];
  for (const { watcher, services } of liveWatchers(prefixes, entries)) {
    for (const { service, address, revision } of requests) {
      if (!services.has(service)) continue;
      const ack = entries.get(drainedKey(prefixes, { service, address }, watcher));
      if (!(Number(ack?.value) >= revision)) pending.push({ watcher, service, address });
    }
  }
  return pending;
}

/** A running watcher, as its presence key describes it. */
export interface LiveWatcher {
  readonly watcher: string;
  /** The services that it drives; only `has` can be asked, since it may be any. */
  readonly services: Pick<ReadonlySet<unknown>, 'has'>;
  /** The services that it names. */
  readonly named: readonly string[];
  /** How many servers its guard holds of a service; undefined where it does not say. */
  heldOf(service: string): number | undefined;
}

/** The running watchers. The values of their keys are untrusted. */
export function liveWatchers(
  prefixes: KeyPrefixes,
  entries: ReadonlyMap<string, KeyValue>,
): readonly LiveWatcher[] {
  const prefix = watchersPrefix(prefixes);
  return [...entries.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .map((entry) => ({ watcher: entry.key.slice(prefix.length), ...readPresence(entry) }));
}

/** A watcher lists every upstream and service that it drives: the value may be as long as a value that is kept. */
const PRESENCE_BOUNDS: JsonBounds = { length: MAX_VALUE_BYTES, depth: 4, items: MAX_VALUE_BYTES };

/**
 * A watcher whose value cannot be read drives nothing that is known. One whose value is too long to be kept is assumed to
 * drive every service, so that a drain waits for its acknowledgement.
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
