import { existsSync } from 'node:fs';
import type { Log } from '../core/ports.js';

/** How long a stop takes without the drain, in ms: to revoke the lease and to end the process. */
const STOP_OVERHEAD = 5000;

/** What stops this process. */
interface Supervisor {
  readonly name: string;
  /** The default time from SIGTERM to SIGKILL, in ms. */
  readonly stopTimeout: number;
  /** Where that time is set. */
  readonly setting: string;
}

const KUBERNETES = { name: 'Kubernetes', stopTimeout: 30_000, setting: 'terminationGracePeriodSeconds' };
const CONTAINER = {
  name: 'a container engine',
  stopTimeout: 10_000,
  setting: '--stop-timeout, or stop_grace_period in Compose',
};
const SYSTEMD = {
  name: 'systemd',
  stopTimeout: 90_000,
  setting: 'TimeoutStopSec, or WatchdogSec with Type=notify',
};

/**
 * Logs at the start that a drain may take longer than the time that the supervisor of this process gives a stop by
 * default. The real time is not visible from inside, so this is not a warning. Under systemd's watchdog nothing is logged,
 * because there sidekick extends the time as long as needed.
 */
export function logShortStopTimeout(
  drainTimeout: number,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  exists: (path: string) => boolean = existsSync,
): void {
  const needs = drainTimeout + STOP_OVERHEAD;
  const supervisor = supervisorOf(env, exists);
  if (!supervisor || needs <= supervisor.stopTimeout) return;
  const { name, stopTimeout, setting } = supervisor;
  log.info(
    { event: 'stop-timeout-short', supervisor: name, needs, stopTimeout, setting },
    'a drain may take longer than the default stop timeout, and is then cut short by SIGKILL: give a stop more time',
  );
}

function supervisorOf(
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean,
): Supervisor | undefined {
  if (env.KUBERNETES_SERVICE_HOST) return KUBERNETES;
  if (env.INVOCATION_ID) return env.NOTIFY_SOCKET && env.WATCHDOG_USEC ? undefined : SYSTEMD;
  return exists('/.dockerenv') || exists('/run/.containerenv') ? CONTAINER : undefined;
}
