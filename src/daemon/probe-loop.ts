import { sleep } from '../async/sleep.js';
import { withTimeLimit } from '../async/time-limit.js';
import { messageOf } from '../core/errors.js';
import { type Health, type HealthPolicy, nextHealth } from '../core/health.js';
import type { Probe } from '../core/ports.js';

/** One look: undefined when it is healthy, or why not. A probe that ignores its signal is left behind. */
async function look(probe: Probe, timeout: number, signal: AbortSignal): Promise<string | undefined> {
  try {
    await withTimeLimit(timeout, signal, (limited) => Promise.race([probe(limited), aborted(limited)]));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

export interface ProbeLoopOptions {
  readonly probe: Probe;
  readonly policy: HealthPolicy;
  /** What was known before. */
  readonly health: Health;
  /** Lets a probe begin when it may, and resolves to what came of it; default at once. Nothing comes of one that was not begun. */
  readonly turn?: <T>(run: () => Promise<T>) => Promise<T | undefined>;
  /** Called after each probe, with why it failed, if it did. */
  onHealth(health: Health, reason: string | undefined): void;
}

/** Probes again and again; resolves when aborted. The pauses vary by a tenth, so that many loops do not march in step. */
export async function runProbeLoop(loop: ProbeLoopOptions, signal: AbortSignal): Promise<void> {
  const { probe, policy, turn = (run) => run() } = loop;
  let { health } = loop;
  while (!signal.aborted) {
    const reason = await turn(() => look(probe, policy.timeout, signal));
    if (signal.aborted) return;
    health = nextHealth(health, reason === undefined, policy);
    loop.onHealth(health, reason);
    await sleep(policy.interval * (0.9 + Math.random() / 5), signal);
  }
}
