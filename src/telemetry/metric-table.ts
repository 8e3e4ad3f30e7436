import { WATCHER_METRICS } from './watcher-metrics.js';

/** One metric that sidekick exposes. */
export interface MetricDeclaration {
  readonly name: `sidekick_${string}`;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric, declared once. A unit test finds those that the code uses and that are missing here. */
export const METRICS: readonly MetricDeclaration[] = [
  gauge('info', 'Always 1: which command runs, and its version.', ['command', 'version']),
  gauge('ready', '1 while registered, or while NGINX matches what is registered; 0 otherwise.'),
  counter('etcd_errors_total', 'Calls to etcd that failed, by call.', ['call']),
  counter('lease_granted_total', 'Leases granted: 1 for the first, and one for each that was lost.'),
  counter('lease_lost_total', 'Leases that were lost.'),
  counter('keys_written_total', 'Keys written under the lease.'),
  gauge('service_healthy', '1 while the probe finds this instance healthy.', ['service', 'address']),
  counter('probes_total', 'Probes of own instances, by result.', ['service', 'result']),
  ...WATCHER_METRICS,
];

function counter(name: string, help: string, labels: readonly string[] = []): MetricDeclaration {
  return { name: `sidekick_${name}`, type: 'counter', help, labels };
}

function gauge(name: string, help: string, labels: readonly string[] = []): MetricDeclaration {
  return { name: `sidekick_${name}`, type: 'gauge', help, labels };
}
