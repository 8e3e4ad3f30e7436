/** What `withDeadline` aborts with when the time is over. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Runs one call under the caller's signal and a deadline in ms, which the call may put off by `progress`: what still
 * arrives is not late, however much it is. Written out instead of `AbortSignal.any`, whose
 * combined signals stay reachable from a signal that lives as long as the process does (Node 20).
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  ms: number,
  call: (signal: AbortSignal, progress: () => void) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(signal.reason);
  const timer = setTimeout(() => controller.abort(new DeadlineError(`no answer within ${ms} ms`)), ms);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await call(controller.signal, () => timer.refresh());
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
