/** One metric that sidekick exposes. */
export interface MetricDeclaration {
  readonly name: `sidekick_${string}`;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}

const UPSTREAM = ['nginx', 'kind', 'upstream'] as const;

/** Every metric, declared once. A unit test finds those that the code uses and that are missing here. */
export const METRICS: readonly MetricDeclaration[] = [
  gauge('info', 'Always 1: which command runs, and its version.', ['command', 'version']),
  gauge('ready', '1 while registered, or while NGINX matches what is registered; 0 otherwise.'),

  gauge('etcd_connected', '1 while etcd answers, 0 while it is away.'),
  counter('etcd_errors_total', 'Calls to etcd that failed, by call.', ['call']),
  counter('lease_granted_total', 'Leases granted: 1 for the first, and one for each that was lost.'),
  counter('lease_lost_total', 'Leases that were lost.'),
  counter('keys_written_total', 'Keys written under the lease.'),

  gauge('service_healthy', '1 while the probe finds this instance healthy.', ['service', 'address']),
  counter('probes_total', 'Probes of own instances, by result.', ['service', 'result']),

  gauge('registrations', 'Instances registered in etcd, by service, as the watcher sees them.', ['service']),
  counter('registrations_rejected_total', 'Keys that are no valid registration.'),
  gauge('nginx_up', '1 while this NGINX answers, 0 while it does not.', ['nginx']),
  counter('nginx_reloads_total', 'Reloads and restarts of NGINX that were noticed.', ['nginx']),
  gauge('upstream_servers', 'Servers of an upstream group, by state.', [...UPSTREAM, 'state']),
  counter(
    'upstream_out_of_memory_total',
    'Servers that NGINX had no memory for: the zone is full.',
    UPSTREAM,
  ),
  counter('watcher_passes_total', 'Passes over an upstream group, by result.', [...UPSTREAM, 'result']),
  counter('watcher_actions_total', 'Calls that change NGINX, by action and result.', [
    ...UPSTREAM,
    'action',
    'result',
  ]),
  counter('watcher_health_changes_total', "Verdicts of the watcher's own probes that changed.", [
    'service',
    'status',
  ]),
  counter('guard_trips_total', 'Times that the guard held servers that had vanished.', UPSTREAM),
];

function counter(name: string, help: string, labels: readonly string[] = []): MetricDeclaration {
  return { name: `sidekick_${name}`, type: 'counter', help, labels };
}

function gauge(name: string, help: string, labels: readonly string[] = []): MetricDeclaration {
  return { name: `sidekick_${name}`, type: 'gauge', help, labels };
}
