import { nearest } from '../config/engine/nearest.js';
import { type LiveWatcher, liveWatchers } from '../core/drain-acks.js';
import { watchersPrefix } from '../core/keys.js';
import { nameList } from './not-found.js';
import type { EtcdSession } from './with-etcd.js';

/** The running watchers, from their keys in etcd. */
export async function readLiveWatchers({
  store,
  prefixes,
  signal,
}: EtcdSession): Promise<readonly LiveWatcher[]> {
  const entries = await store.list(watchersPrefix(prefixes), signal);
  return liveWatchers(prefixes, new Map(entries.map((entry) => [entry.key, entry])));
}

/** Why no watcher drives the service, with the name that was probably meant; empty if one does. */
export function undrivenHint(service: string, watchers: readonly LiveWatcher[]): string {
  if (watchers.length === 0) return 'no watcher is running';
  if (watchers.some(({ services }) => services.has(service))) return '';
  const names = [...new Set(watchers.flatMap(({ named }) => named))];
  const meant = nearest(service, names);
  if (meant !== undefined) return `did you mean ${meant}?`;
  return names.length > 0 ? `the watchers drive ${nameList(names)}` : 'the watchers drive no service';
}
