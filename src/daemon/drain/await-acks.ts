import { deriveAbort } from '../../async/abort.js';
import { type DrainAsked, type PendingAck, pendingAcks } from '../../core/drain-acks.js';
import { drainedRoot, type KeyPrefixes, watchersPrefix } from '../../core/keys.js';
import type { RegistryReader, RegistrySnapshot } from '../../core/ports.js';

/** How often it is looked at whether the requests still stand, in ms. */
const RECHECK = 1000;

export interface AwaitAcksOptions {
  readonly reader: RegistryReader;
  readonly space: KeyPrefixes;
  /** Prefixes that the requests depend on. */
  readonly also?: readonly string[];
  /** Called whenever it may have changed who owes an answer. */
  readonly onDebts?: (debts: readonly PendingAck[], view: RegistrySnapshot) => void;
}

/**
 * Waits until every live watcher that drives a requested service has taken the instance out, and resolves to true; at
 * once where there is no such watcher. A watcher that ends is waited for no more, one that begins is; and so for the
 * requests, which are asked for again and again. Resolves to false when aborted before.
 */
export async function awaitAcks(
  requests: (view: RegistrySnapshot | undefined) => readonly DrainAsked[],
  { reader, space, also = [], onDebts }: AwaitAcksOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const following = deriveAbort(signal);
  let latest: RegistrySnapshot | undefined;
  let answered = false;
  function check(): void {
    if (following.signal.aborted) return;
    const standing = requests(latest);
    const debts = latest ? pendingAcks(space, latest.entries, standing) : undefined;
    if (latest && debts) onDebts?.(debts, latest);
    answered = standing.length === 0 || debts?.length === 0;
    if (answered) following.abort();
  }
  const observer = {
    onSnapshot(view: RegistrySnapshot) {
      latest = view;
      check();
    },
    // An etcd that is away says nothing about the watchers: the last view stays the best there is.
    onUnavailable: () => undefined,
  };
  const timer = setInterval(check, RECHECK);
  try {
    check();
    await reader.watch([watchersPrefix(space), drainedRoot(space), ...also], observer, following.signal);
  } finally {
    clearInterval(timer);
    following.dispose();
  }
  return answered;
}
