import type { RegistrarStatus } from '../daemon/registrar/status.js';
import type { WatcherOverview } from '../daemon/watcher/status.js';

/** The services named in one line. */
const MAX_NAMED = 3;

/** The status of a registrar in one line, for systemd. */
export function registrarSummary({ phase, etcd, services, waitingFor }: RegistrarStatus): string {
  if (phase === 'draining') {
    return waitingFor.length > 0 ? `draining, waiting for ${waitingFor.join(', ')}` : 'draining';
  }
  const others = services
    .filter(({ key }) => key !== 'registered')
    .map(({ service, address, health, key }) => `${service} ${address} ${key === 'absent' ? health : key}`);
  const named = [
    ...others.slice(0, MAX_NAMED),
    ...(others.length > MAX_NAMED ? [`${others.length - MAX_NAMED} more`] : []),
  ];
  return [
    ...(etcd.state === 'refused' ? [`etcd refused: ${etcd.error}`] : []),
    ...(etcd.state === 'unavailable' ? ['waiting for etcd'] : []),
    `${services.length - others.length} of ${count(services.length, 'service')} registered`,
    ...named,
  ].join('; ');
}

/** The status of a watcher in one line, for systemd. */
export function watcherSummary({ id, etcd, superseded, nginx }: WatcherOverview): string {
  if (superseded) return `another watcher has the id ${id}: give one of the two another id`;
  if (etcd.state === 'refused') return `etcd refused: ${etcd.error}`;
  const unavailable = [
    ...(etcd.connected ? [] : ['etcd']),
    ...nginx.filter(({ connected }) => !connected).map(({ name }) => `NGINX ${name}`),
  ];
  if (unavailable.length > 0) return `waiting for ${unavailable.join(', ')}`;
  const upstreams = nginx.flatMap((one) => one.upstreams);
  const notInSync = upstreams.filter(({ inSync }) => !inSync).map(({ kind, name }) => `${kind}/${name}`);
  const servers = upstreams.reduce((sum, upstream) => sum + upstream.servers, 0);
  const total = `${count(servers, 'server')} in ${count(upstreams.length, 'upstream')} of ${nginx.length} NGINX`;
  return notInSync.length > 0
    ? `${total}; not in sync: ${notInSync.join(', ')}`
    : `${total} in sync with etcd`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
