import pRetry from 'p-retry';

export interface RetryOptions {
  /** The wait after the first failure, in ms. It doubles with each further one, with jitter. */
  readonly min: number;
  /** The longest wait, in ms, give or take a quarter, so that a fleet does not come back in step. */
  readonly max: number;
  readonly signal: AbortSignal;
  /** Called with each failure. What it throws ends the retrying and is thrown on. */
  readonly onFailure?: (error: Error) => void;
  /** Whether to go on after this failure; default always. */
  readonly while?: (error: Error) => boolean;
}

/**
 * Repeats until it works; then resolves with the result. Rejects when `while` says so, and with the signal's reason
 * when that is aborted, also in the middle of a wait.
 */
export function retry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  return pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: options.min,
    maxTimeout: options.max * (0.75 + Math.random() / 2),
    randomize: true,
    signal: options.signal,
    onFailedAttempt: ({ error }) => options.onFailure?.(error),
    shouldRetry: ({ error }) => options.while?.(error) ?? true,
  });
}
