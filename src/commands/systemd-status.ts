import type { RegistrarStatus } from '../daemon/registrar/status.js';
import type { WatcherStatus } from '../daemon/watcher/status.js';

/** Most services named in one line. */
const NAMED = 3;

/** A registrar in one line: what is registered, and what is waited for. */
export function registrarSummary({ phase, etcd, services, waitingFor }: RegistrarStatus): string {
  if (phase === 'draining') {
    return waitingFor.length > 0 ? `draining, waiting for ${waitingFor.join(', ')}` : 'draining';
  }
  const others = services
    .filter(({ key }) => key !== 'registered')
    .map(({ service, address, health, key }) => `${service} ${address} ${key === 'absent' ? health : key}`);
  const named = [
    ...others.slice(0, NAMED),
    ...(others.length > NAMED ? [`${others.length - NAMED} more`] : []),
  ];
  return [
    ...(etcd.state === 'refused' ? [`etcd refuses: ${etcd.error}`] : []),
    ...(etcd.state === 'unavailable' ? ['waiting for etcd'] : []),
    `${services.length - others.length} of ${count(services.length, 'service')} registered`,
    ...named,
  ].join('; ');
}

/** A watcher in one line: what is waited for, or what is kept in step. */
export function watcherSummary({ id, etcd, superseded, nginx }: WatcherStatus): string {
  if (superseded) return `another watcher has the id ${id}: give one of the two another --id`;
  if (etcd.state === 'refused') return `etcd refuses: ${etcd.error}`;
  const away = [
    ...(etcd.connected ? [] : ['etcd']),
    ...nginx.filter(({ connected }) => !connected).map(({ name }) => `NGINX ${name}`),
  ];
  if (away.length > 0) return `waiting for ${away.join(', ')}`;
  const upstreams = nginx.flatMap((one) => one.upstreams);
  const behind = upstreams.filter(({ matched }) => !matched).map(({ kind, name }) => `${kind}/${name}`);
  const servers = upstreams.reduce((sum, upstream) => sum + upstream.servers.length, 0);
  const total = `${count(servers, 'server')} in ${count(upstreams.length, 'upstream')} of ${nginx.length} NGINX`;
  return behind.length > 0 ? `${total}; not in step: ${behind.join(', ')}` : `${total} in step with etcd`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
