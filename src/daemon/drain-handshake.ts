import { type Debt, type DrainAsked, openDebts } from '../core/drain-answers.js';
import { drainedRoot, type KeySpace, watchersPrefix } from '../core/keys.js';
import type { RegistryReader, View } from '../core/ports.js';

export interface HandshakeOptions {
  readonly reader: RegistryReader;
  readonly space: KeySpace;
  /** Called whenever it may have changed who owes an answer. */
  readonly onDebts?: (debts: readonly Debt[], view: View) => void;
}

/**
 * Waits until every live watcher that drives a requested service has taken the instance out, and resolves to true; at
 * once where there is no such watcher. A watcher that ends is waited for no more, one that begins is. Resolves to
 * false when aborted before.
 */
export async function awaitAnswers(
  requests: readonly DrainAsked[],
  { reader, space, onDebts }: HandshakeOptions,
  signal: AbortSignal,
): Promise<boolean> {
  if (requests.length === 0) return true;
  const following = new AbortController();
  const abort = () => following.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  let answered = false;
  const observer = {
    view(view: View) {
      if (following.signal.aborted) return;
      const debts = openDebts(space, view.entries, requests);
      onDebts?.(debts, view);
      answered = debts.length === 0;
      if (answered) following.abort();
    },
    // An etcd that is away says nothing about the watchers: the last view stays the best there is.
    away: () => undefined,
  };
  try {
    await reader.follow([watchersPrefix(space), drainedRoot(space)], observer, following.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return answered;
}
