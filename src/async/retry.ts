import pRetry from 'p-retry';

interface RetryOptions {
  /** The wait after the first failure, in ms: this to twice this, at random. It doubles with each further failure. */
  readonly min: number;
  /** The longest wait, in ms, give or take a quarter, so that a fleet does not retry in step. */
  readonly max: number;
  readonly signal: AbortSignal;
  /** Called with each failure. What it throws ends the retrying and is thrown on. */
  readonly onFailure?: (error: Error) => void;
  /** Whether to go on after this failure; default always. */
  readonly while?: (error: Error) => boolean;
}

/**
 * Repeats an attempt until it succeeds, and resolves to its result. Rejects with the failure when `while` returns false,
 * with the signal's reason when that is aborted, also in the middle of a wait, and with a TypeError at once: that is a
 * defect and not an outage.
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
