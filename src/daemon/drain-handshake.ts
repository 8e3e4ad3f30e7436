import { type Debt, type DrainAsked, openDebts } from '../core/drain-answers.js';
import { drainedRoot, type KeySpace, watchersPrefix } from '../core/keys.js';
import type { RegistryReader, View } from '../core/ports.js';

/** How often it is looked at whether the requests still stand, in ms. */
const RECHECK = 1000;

export interface HandshakeOptions {
  readonly reader: RegistryReader;
  readonly space: KeySpace;
  /** Prefixes that the requests depend on. */
  readonly also?: readonly string[];
  /** Called whenever it may have changed who owes an answer. */
  readonly onDebts?: (debts: readonly Debt[], view: View) => void;
}

/**
 * Waits until every live watcher that drives a requested service has taken the instance out, and resolves to true; at
 * once where there is no such watcher. A watcher that ends is waited for no more, one that begins is; and so for the
 * requests, which are asked for again and again. Resolves to false when aborted before.
 */
export async function awaitAnswers(
  requests: (view: View | undefined) => readonly DrainAsked[],
  { reader, space, also = [], onDebts }: HandshakeOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const following = new AbortController();
  const abort = () => following.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  let latest: View | undefined;
  let answered = false;
  function check(): void {
    if (following.signal.aborted) return;
    const standing = requests(latest);
    const debts = latest ? openDebts(space, latest.entries, standing) : undefined;
    if (latest && debts) onDebts?.(debts, latest);
    answered = standing.length === 0 || debts?.length === 0;
    if (answered) abort();
  }
  const observer = {
    view(view: View) {
      latest = view;
      check();
    },
    // An etcd that is away says nothing about the watchers: the last view stays the best there is.
    away: () => undefined,
  };
  const timer = setInterval(check, RECHECK);
  try {
    check();
    await reader.follow([watchersPrefix(space), drainedRoot(space), ...also], observer, following.signal);
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', abort);
  }
  return answered;
}
