import { raceAbort, withTimeout } from '../async/abort.js';
import { sleep } from '../async/sleep.js';
import { messageOf } from '../core/errors.js';
import { type Health, type HealthPolicy, nextHealth } from '../core/health.js';
import type { Probe } from '../core/ports.js';

/** Probes once: resolves to undefined when it is healthy, or to why not. A probe that ignores its signal is left behind. */
async function probeOnce(probe: Probe, timeout: number, signal: AbortSignal): Promise<string | undefined> {
  try {
    await withTimeout(timeout, signal, (limited) => raceAbort(probe(limited), limited));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

interface ProbeLoopOptions {
  readonly probe: Probe;
  readonly policy: HealthPolicy;
  /** What was known before. */
  readonly health: Health;
  /** Runs a probe when one may start, and resolves to its result, or to undefined where it was not started; default: runs it at once. */
  readonly turn?: <T>(run: () => Promise<T>) => Promise<T | undefined>;
  /** 0 to 1, for the pauses; default Math.random. */
  readonly random?: () => number;
  /** Called after each probe, with the reason of its failure where it failed. */
  onHealth(health: Health, reason: string | undefined): void;
}

/** Probes until the signal is aborted, then resolves. Each pause varies by a tenth, so that many loops do not run in step. */
export async function runProbeLoop(loop: ProbeLoopOptions, signal: AbortSignal): Promise<void> {
  const { probe, policy, turn = (run) => run(), random = Math.random } = loop;
  let { health } = loop;
  while (!signal.aborted) {
    const reason = await turn(() => probeOnce(probe, policy.timeout, signal));
    if (signal.aborted) return;
    health = nextHealth(health, reason === undefined, policy);
    loop.onHealth(health, reason);
    await sleep(policy.interval * (0.9 + random() / 5), signal);
  }
}
