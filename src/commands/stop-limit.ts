import { existsSync } from 'node:fs';
import type { Log } from '../core/ports.js';

/** What a stop takes beside the drain, in ms: ending the lease, and the process itself. */
const REST = 5000;

/** Who ends this process, what it gives by default between the request and the kill, in ms, and where that is set. */
interface Supervisor {
  readonly name: string;
  readonly gives: number;
  readonly setting: string;
}

const KUBERNETES = { name: 'Kubernetes', gives: 30_000, setting: 'terminationGracePeriodSeconds' };
const CONTAINER = {
  name: 'a container engine',
  gives: 10_000,
  setting: '--stop-timeout, or stop_grace_period in Compose',
};
const SYSTEMD = {
  name: 'systemd',
  gives: 90_000,
  setting: 'TimeoutStopSec, or WatchdogSec with Type=notify',
};

/**
 * Tells at start when a drain may take longer than whoever stops this process gives it by default. What it really gives
 * cannot be seen from inside, so this is no warning. Under systemd's watchdog the limit is extended as long as needed.
 */
export function tellStopLimit(
  drainTimeout: number,
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
  exists: (path: string) => boolean = existsSync,
): void {
  const needs = drainTimeout + REST;
  const supervisor = supervisorOf(env, exists);
  if (!supervisor || needs <= supervisor.gives) return;
  const { name, gives, setting } = supervisor;
  log.info(
    { event: 'stop-timeout-exceeded', supervisor: name, needs, gives, setting },
    'a drain may take longer than a stop is given by default, and is then cut short by SIGKILL: see that it is given that long',
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
