import { deriveAbort } from '../../async/abort.js';
import type { DrainRequest } from '../../core/desired.js';
import { type PendingAck, pendingAcks } from '../../core/drain-acks.js';
import { drainedRoot, type KeyPrefixes, watchersPrefix } from '../../core/keys.js';
import type { RegistryReader, RegistrySnapshot } from '../../core/ports.js';

/** How often the requests are evaluated again although etcd reports no change, in ms. */
const RECHECK = 1000;

interface AwaitAcksOptions {
  readonly reader: RegistryReader;
  readonly prefixes: KeyPrefixes;
  /** More prefixes to read, which the requests depend on. */
  readonly requestPrefixes?: readonly string[];
  /** Called with the pending acknowledgements whenever they may have changed. */
  readonly onPending?: (pending: readonly PendingAck[], snapshot: RegistrySnapshot) => void;
}

/**
 * Resolves to true once every live watcher that drives a requested service has acknowledged the drain, at once if there
 * is none; to false when aborted. The live watchers and the requests are evaluated again on every change and once a
 * second.
 */
export async function awaitAcks(
  requests: (snapshot: RegistrySnapshot | undefined) => readonly DrainRequest[],
  { reader, prefixes, requestPrefixes = [], onPending }: AwaitAcksOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const reading = deriveAbort(signal);
  let latest: RegistrySnapshot | undefined;
  let acknowledged = false;
  function check(): void {
    if (reading.signal.aborted) return;
    const current = requests(latest);
    const pending = latest ? pendingAcks(prefixes, latest.entries, current) : undefined;
    if (latest && pending) onPending?.(pending, latest);
    acknowledged = current.length === 0 || pending?.length === 0;
    if (acknowledged) reading.abort();
  }
  const listener = {
    onSnapshot(snapshot: RegistrySnapshot) {
      latest = snapshot;
      check();
    },
    // An outage says nothing about the watchers: the last snapshot stays the best there is.
    onUnavailable: () => undefined,
  };
  const timer = setInterval(check, RECHECK);
  try {
    check();
    const read = [watchersPrefix(prefixes), drainedRoot(prefixes), ...requestPrefixes];
    await reader.watch(read, listener, reading.signal);
  } finally {
    clearInterval(timer);
    reading.dispose();
  }
  return acknowledged;
}
