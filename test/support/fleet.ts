/** A fleet in etcd, as its daemons publish it. */
import { type FleetStatus, fleetStatus } from '../../src/core/fleet-status.js';
import { DEFAULT_KEY_PREFIXES } from '../../src/core/keys.js';
import type { KeyValue } from '../../src/core/ports.js';
import {
  encodeInstance,
  encodeWatcher,
  type PublishedInstance,
  type PublishedNginx,
  type PublishedUpstream,
  type PublishedWatcher,
} from '../../src/core/published-status.js';

export const FLEET_NOW = Date.parse('2026-01-31T12:00:00Z');

export function publishedUpstream(fields: Partial<PublishedUpstream> = {}): PublishedUpstream {
  const name = 'firmware';
  return { kind: 'http', name, services: [name], inSync: true, servers: 2, others: [], more: 0, ...fields };
}

export function publishedNginx(fields: Partial<PublishedNginx> = {}): PublishedNginx {
  const upstreams = [publishedUpstream()];
  return {
    name: 'main',
    state: 'connected',
    version: '1.26.3',
    upstreams,
    more: 0,
    problems: [],
    unfed: [],
    ...fields,
  };
}

export function publishedWatcher(fields: Partial<PublishedWatcher> = {}): PublishedWatcher {
  const since = FLEET_NOW - 60_000;
  const nothing = { rejected: [], limited: [], lost: [] };
  return { version: '1.2.3', since, ready: true, nginx: [publishedNginx()], ...nothing, ...fields };
}

export interface FleetInEtcd {
  /** By `<service>/<address>`: the value of the registration. */
  readonly registrations?: Readonly<Record<string, string>>;
  readonly instances?: Readonly<Record<string, Partial<PublishedInstance>>>;
  /** By id; undefined for one that is alive and publishes nothing. */
  readonly watchers?: Readonly<Record<string, PublishedWatcher | undefined>>;
  /** By `<service>/<address>`. */
  readonly maintenance?: Readonly<Record<string, string>>;
}

/** Two healthy instances that one watcher has in one NGINX. */
export const WELL: FleetInEtcd = {
  registrations: { 'firmware/10.0.0.1:80': '{}', 'firmware/10.0.0.2:80': '{"weight":3}' },
  instances: { 'firmware/10.0.0.1:80': {}, 'firmware/10.0.0.2:80': {} },
  watchers: { lb1: publishedWatcher() },
};

/** The fleet where all is well but for one upstream. */
export function withUpstream(fields: Partial<PublishedUpstream>): FleetInEtcd {
  const nginx = [publishedNginx({ upstreams: [publishedUpstream(fields)] })];
  return { ...WELL, watchers: { lb1: publishedWatcher({ nginx }) } };
}

/** The fleet where all is well but for one NGINX. */
export function withNginx(fields: Partial<PublishedNginx>): FleetInEtcd {
  return { ...WELL, watchers: { lb1: publishedWatcher({ nginx: [publishedNginx(fields)] }) } };
}

/** The keys of the fleet, in the order in which etcd has them. */
export function fleetEntries(fleet: FleetInEtcd): ReadonlyMap<string, KeyValue> {
  const entries = new Map<string, KeyValue>();
  const put = (key: string, value: string) => entries.set(key, { key, value, revision: entries.size + 1 });
  for (const [at, value] of Object.entries(fleet.registrations ?? {})) put(`/services/${at}`, value);
  for (const [at, value] of Object.entries(fleet.maintenance ?? {}))
    put(`/sidekick/maintenance/${at}`, value);
  for (const [at, fields] of Object.entries(fleet.instances ?? {})) {
    const said = {
      health: 'healthy',
      since: FLEET_NOW - 5_000,
      key: 'registered',
      version: '1.2.3',
      ...fields,
    };
    put(`/sidekick/status/instances/${at}`, encodeInstance(said));
  }
  for (const [id, watcher] of Object.entries(fleet.watchers ?? {})) {
    put(`/sidekick/watchers/${id}`, '{}');
    if (watcher) put(`/sidekick/status/watchers/${id}`, encodeWatcher(watcher));
  }
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function statusOf(fleet: FleetInEtcd): FleetStatus {
  return fleetStatus(DEFAULT_KEY_PREFIXES, fleetEntries(fleet), FLEET_NOW);
}
