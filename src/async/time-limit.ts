/**
 * Runs something with a signal that is aborted together with `signal`, and after `ms` by a `TimeoutError`.
 * Not by AbortSignal.any, which keeps every signal it made for as long as the daemon's own lives (Node.js 20).
 */
export async function withTimeLimit<T>(
  ms: number,
  signal: AbortSignal,
  run: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = new AbortController();
  const abort = () => limited.abort(signal.reason);
  if (signal.aborted) abort();
  const timer = setTimeout(
    () => limited.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError')),
    ms,
  );
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await run(limited.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
