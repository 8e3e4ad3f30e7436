import { defined } from '../../core/defined.js';
import type { EtcdCondition } from '../../core/etcd-state.js';
import { printable } from '../../core/printable.js';
import type { PublishedLoss, PublishedWatcher } from '../../core/published-status.js';
import type { Registrations } from '../../core/registrations.js';
import type { NginxController } from './nginx-controller.js';
import { serviceStatus, type WatcherOverview, type WatcherStatus } from './status.js';
import type { WatcherView } from './view.js';

/** Most rejected keys named in the status: whoever may write keys can write any number of bad ones. */
const REJECTED_SHOWN = 200;

/** Most rejected keys that are published, and that are shown live. */
const REJECTED_PUBLISHED = 20;
const REJECTED_VIEWED = 50;

/** Most lost instances that are published. */
const LOST_PUBLISHED = 20;

/** Most services, and servers of all upstreams together, that are shown live. */
const SERVICES_SHOWN = 200;
const ROWS_SHOWN = 2_000;

/** Drained instances that the status lists. */
const MAINTENANCE_SHOWN = 100;

/** What all that a watcher says of itself is made from. */
export interface WatcherFacts {
  readonly id: string;
  readonly version: string | undefined;
  /** When it was started, in ms since the epoch. */
  readonly since: number;
  readonly ready: boolean;
  /** Another watcher with this id was started later. */
  readonly superseded: boolean;
  /** Whether etcd can be read. */
  readonly etcdConnected: boolean;
  /** `refused` also where etcd can be read, but refuses what the watcher writes. */
  readonly etcd: EtcdCondition;
  /** Undefined until etcd has been read. */
  readonly revision: number | undefined;
  readonly registrations: Registrations | undefined;
  readonly lost: { newest(most: number): readonly PublishedLoss[] };
  readonly nginx: readonly Pick<NginxController, 'overview' | 'status' | 'view' | 'published'>[];
}

/** The status without what grows with the number of servers. */
export function watcherOverview(facts: WatcherFacts): WatcherOverview {
  const { id, etcdConnected, revision, etcd, superseded, nginx } = facts;
  return {
    id,
    etcd: { connected: etcdConnected, ...(revision === undefined ? {} : { revision }), ...etcd },
    superseded,
    nginx: nginx.map((one) => one.overview()),
  };
}

/** What `/status` says. */
export function watcherStatus(facts: WatcherFacts): WatcherStatus {
  return {
    ...watcherOverview(facts),
    ready: facts.ready,
    ...statusOfServices(facts),
    rejected: rejectedKeys(facts, REJECTED_SHOWN),
    nginx: facts.nginx.map((one) => one.status()),
  };
}

/** What people see who look at it live. It costs a look at every server. */
export function watcherView(facts: WatcherFacts): WatcherView {
  const { id, version = '', since, ready, superseded, etcd, registrations, nginx } = facts;
  const { maintenance, services } = statusOfServices(facts);
  return {
    watcher: {
      id,
      version,
      since,
      ready,
      superseded,
      etcd: defined({ state: etcd.state, error: etcd.error }),
    },
    services: services.slice(0, SERVICES_SHOWN),
    maintenance,
    rejected: rejectedKeys(facts, REJECTED_VIEWED),
    rejectedCount: registrations?.rejected.length ?? 0,
    nginx: nginx.map((one) => one.view(ROWS_SHOWN / nginx.length)),
  };
}

/** What it publishes in etcd. */
export function publishedWatcher(facts: WatcherFacts, version: string): PublishedWatcher {
  const { since, ready, superseded, etcd, nginx, lost } = facts;
  const error = superseded ? 'another watcher with this id was started later' : etcd.error;
  return {
    version,
    since,
    ready,
    ...(error === undefined ? {} : { error }),
    nginx: nginx.map((one) => one.published()),
    rejected: rejectedKeys(facts, REJECTED_PUBLISHED),
    limited: limitedServices(facts),
    lost: lost.newest(LOST_PUBLISHED),
  };
}

function statusOfServices({
  registrations,
}: WatcherFacts): Required<Pick<WatcherStatus, 'services' | 'maintenance'>> {
  if (!registrations) return { services: [], maintenance: [] };
  return {
    services: [...registrations.services].sort().map((name) => serviceStatus(name, registrations)),
    maintenance: registrations.maintenance.slice(0, MAINTENANCE_SHOWN),
  };
}

function rejectedKeys({ registrations }: WatcherFacts, most: number): WatcherStatus['rejected'] {
  const rejected = registrations?.rejected.slice(0, most) ?? [];
  return rejected.map(({ key, reason }) => ({ key: printable(key), reason }));
}

/** The services that have more keys than is allowed. */
function limitedServices({ registrations }: WatcherFacts): PublishedWatcher['limited'] {
  if (!registrations) return [];
  return [...registrations.services]
    .map((service) => ({ service, overLimit: registrations.refused(service).overLimit }))
    .filter(({ overLimit }) => overLimit > 0)
    .slice(0, REJECTED_PUBLISHED);
}
