/** One metric that sidekick exposes. */
interface MetricDeclaration {
  readonly name: `sidekick_${string}`;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const UPSTREAM = ['nginx', 'kind', 'upstream'];

/**
 * Every metric. A test finds those that the code records but that are missing here, and those that nothing records.
 * Names follow https://prometheus.io/docs/practices/naming/: base units, counters end in `_total`, information in `_info`.
 */
export const METRICS: readonly MetricDeclaration[] = [
  gauge('build_info', 'Always 1. The labels tell the command that runs, its version and its commit.', [
    'command',
    'version',
    'revision',
  ]),
  gauge('ready', '1 while the daemon is ready (see /readyz), otherwise 0.'),
  gauge('etcd_up', '1 while etcd answers, otherwise 0.'),
  gauge(
    'etcd_last_read_timestamp_seconds',
    'When what is watched was last read from etcd, or compared with it, in Unix time.',
  ),
  counter('etcd_errors_total', 'Calls to etcd that failed.', ['call']),
  counter('lease_grants_total', 'Leases that etcd granted: the first one, and one after each loss.'),
  counter('lease_losses_total', 'Leases that were lost.'),
  counter('key_writes_total', 'Keys written under the lease.'),

  gauge('instance_healthy', '1 while the probe of an own instance succeeds, otherwise 0.', [
    'service',
    'address',
  ]),
  counter('probes_total', 'Probes of own instances, by result (success, failure).', ['service', 'result']),

  gauge('registrations', 'Registered instances.', ['service']),
  gauge(
    'registrations_over_limit',
    'Keys that are left out because the service has reached limits.instances or limits.bytes.',
    ['service'],
  ),
  gauge(
    'instance_lost_timestamp_seconds',
    'When the lease of an instance ended that nobody had drained, in Unix time. Absent once it is registered again, and after an hour.',
    ['service', 'address'],
  ),
  counter('registrations_rejected_total', 'Keys that were written but are not valid registrations.'),
  counter(
    'health_changes_total',
    "Changes of an instance's health in the watcher's probes, by new status (healthy, unhealthy).",
    ['service', 'status'],
  ),

  counter('server_probes_total', "The watcher's probes of servers, by result (success, failure).", [
    'result',
  ]),
  histogram(
    'propagation_seconds',
    "Time from a change in etcd, as it reaches the watcher, to NGINX's answer to the call that it led to.",
    ['nginx'],
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ),

  gauge('nginx_up', '1 while the NGINX API answers as it should, otherwise 0.', ['nginx']),
  counter('nginx_reloads_total', 'Reloads and restarts of NGINX.', ['nginx']),
  counter(
    'nginx_calls_total',
    'Calls to the NGINX API, by what they are for and result: ok, a status from 300 to 599, timeout, unreachable, or error for an answer that cannot be read.',
    ['nginx', 'call', 'result'],
  ),
  gauge(
    'upstream_servers',
    'Servers of an upstream, by state (up, down, draining, held). Absent while NGINX is unavailable.',
    [...UPSTREAM, 'state'],
  ),
  gauge(
    'upstream_out_of_sync_servers',
    'Servers that were not as etcd wants them after the last full pass. Absent while NGINX is unavailable.',
    UPSTREAM,
  ),
  gauge(
    'upstream_oldest_drain_timestamp_seconds',
    'When the oldest drain in progress began, in Unix time. Absent while nothing drains.',
    UPSTREAM,
  ),
  gauge(
    'upstream_last_pass_timestamp_seconds',
    'When the last full pass without an error ended, in Unix time.',
    UPSTREAM,
  ),
  counter('upstream_passes_total', 'Passes over an upstream, by result (ok, error).', [
    ...UPSTREAM,
    'result',
  ]),
  counter(
    'upstream_actions_total',
    'Calls that change an upstream, by action (add, update, drain, remove) and result (ok, error).',
    [...UPSTREAM, 'action', 'result'],
  ),
  counter(
    'upstream_zone_full_total',
    'Servers that NGINX did not add because the zone of the upstream is full.',
    UPSTREAM,
  ),
  counter('guard_trips_total', 'Times that the guard began to hold servers.', UPSTREAM),

  gauge(
    'rollout_devices',
    'Devices that were offered the candidate of a type, by what became of them (offered, downloaded, booted, failed, lost, unknown), on every NGINX.',
    ['type', 'version', 'outcome'],
  ),
  gauge(
    'rollout_offered_ratio',
    'Share of the devices that are offered the candidate of a type, from 0 to 1.',
    ['type', 'version'],
  ),
  gauge(
    'rollout_halted',
    '1 while the candidate of a type is paused because too many devices failed, otherwise 0.',
    ['type', 'version'],
  ),

  gauge(
    'rejected_releases',
    'Releases of a type that are neither offered nor fetched, since no release key of this sidekick vouches for them.',
    ['type'],
  ),
  gauge(
    'push_brokers',
    'Brokers on which --firmware-push announces what devices are offered, by state (pending, in-sync, unavailable).',
    ['state'],
  ),

  counter(
    'metric_series_dropped_total',
    'Values that were not recorded because their metric has too many combinations of labels.',
    ['metric'],
  ),
];

function counter(name: string, help: string, labels: readonly string[] = []): MetricDeclaration {
  return { name: `sidekick_${name}`, type: 'counter', help, labels };
}

function histogram(
  name: string,
  help: string,
  labels: readonly string[],
  buckets: readonly number[],
): MetricDeclaration {
  return { name: `sidekick_${name}`, type: 'histogram', help, labels, buckets };
}

function gauge(name: string, help: string, labels: readonly string[] = []): MetricDeclaration {
  return { name: `sidekick_${name}`, type: 'gauge', help, labels };
}
