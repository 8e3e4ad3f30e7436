/** Waiting for what tells nobody that it happened, and so has to be asked for again and again. */
import { setTimeout as delay } from 'node:timers/promises';

/** How often something is looked at that tells nobody of its changes. */
const INTERVAL_MS = 50;

/**
 * Resolves with the first value of `probe` that is neither false nor undefined; an error of `probe` counts as not yet.
 * Rejects after `timeoutMs` (default 60 000), naming `what` and the last error.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  { timeoutMs = 60_000 }: { timeoutMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await delay(INTERVAL_MS);
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: lastError });
}

/** Looks at something again and again until the signal is aborted; rejects as soon as `look` does. */
export async function keepLooking(look: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await look();
    await delay(INTERVAL_MS);
  }
}
