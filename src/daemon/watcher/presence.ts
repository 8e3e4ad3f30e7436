import { type KeySpace, watcherKey } from '../../core/keys.js';
import type { LeaseKeeper } from '../lease-keeper-options.js';
import type { NginxDriver } from './driver.js';

/** What a watcher says of itself in etcd, in the value of its presence key. */
export interface PresenceValue {
  /** The names of the NGINX that it drives. */
  readonly nginx: readonly string[];
  /** The upstream groups, as `http/firmware`, that it drives in any of them. */
  readonly upstreams: readonly string[];
  /** The services that feed these. A sidekick waits for the answers of the watchers that name its service. */
  readonly services: readonly string[];
}

/** Says in etcd, under the watcher's lease, what it drives. */
export function publishPresence(
  keys: KeySpace,
  watcherId: string,
  drivers: readonly NginxDriver[],
  keeper: LeaseKeeper,
): void {
  const value: PresenceValue = {
    nginx: drivers.map(({ name }) => name),
    upstreams: union(drivers.map(({ upstreams }) => upstreams)),
    services: union(drivers.map(({ services }) => services)),
  };
  keeper.set(watcherKey(keys, watcherId), JSON.stringify(value));
}

function union(lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())].sort();
}
