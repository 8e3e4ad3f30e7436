/** The metrics of the watching side. */
export const WATCHER_METRICS = [
  {
    name: 'sidekick_watcher_actions_total',
    type: 'counter',
    help: 'Calls that changed an upstream group, by action (add, update, drain, remove) and result (ok, error).',
    labels: ['nginx', 'kind', 'upstream', 'action', 'result'],
  },
  {
    name: 'sidekick_watcher_passes_total',
    type: 'counter',
    help: 'Passes over an upstream group, by result (ok, error).',
    labels: ['nginx', 'kind', 'upstream', 'result'],
  },
  {
    name: 'sidekick_upstream_servers',
    type: 'gauge',
    help: 'Servers in an upstream group at the last pass, by state (up, down, draining, held).',
    labels: ['nginx', 'kind', 'upstream', 'state'],
  },
  {
    name: 'sidekick_upstream_out_of_memory_total',
    type: 'counter',
    help: 'Servers that NGINX refused because the shared memory zone of the upstream is full.',
    labels: ['nginx', 'kind', 'upstream'],
  },
  {
    name: 'sidekick_guard_trips_total',
    type: 'counter',
    help: 'Times the guard began to hold servers that vanished without asking to drain.',
    labels: ['nginx', 'kind', 'upstream'],
  },
  {
    name: 'sidekick_nginx_up',
    type: 'gauge',
    help: '1 while the NGINX API answers, 0 while it does not.',
    labels: ['nginx'],
  },
  {
    name: 'sidekick_nginx_reloads_total',
    type: 'counter',
    help: 'Reloads and restarts of NGINX that were noticed.',
    labels: ['nginx'],
  },
  {
    name: 'sidekick_etcd_connected',
    type: 'gauge',
    help: '1 while etcd can be read, 0 while it cannot.',
    labels: [],
  },
  {
    name: 'sidekick_registrations',
    type: 'gauge',
    help: 'Instances registered, by service.',
    labels: ['service'],
  },
  {
    name: 'sidekick_registrations_over_limit',
    type: 'gauge',
    help: 'Keys that are not taken because the service has as many instances, or bytes, as limits allows.',
    labels: ['service'],
  },
  {
    name: 'sidekick_registrations_rejected_total',
    type: 'counter',
    help: 'Writes of keys that were rejected as registrations.',
    labels: [],
  },
  {
    name: 'sidekick_watcher_health_changes_total',
    type: 'counter',
    help: "Changes of an instance's health by the load balancer's own probes, by new status (healthy, unhealthy).",
    labels: ['service', 'status'],
  },
] as const;
