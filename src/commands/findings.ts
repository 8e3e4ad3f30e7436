import { nearest } from '../config/engine/nearest.js';
import { type LiveWatcher, liveWatchers } from '../core/drain-acks.js';
import { SidekickError } from '../core/errors.js';
import { watchersPrefix } from '../core/keys.js';
import type { KeyValue } from '../core/ports.js';
import { printable } from '../core/printable.js';
import type { EtcdSession } from './with-etcd.js';

/** An operator's command found nothing of what it was told: exit code 1. */
export function nothingFound(...lines: readonly string[]): SidekickError {
  return new SidekickError(
    'NOT_FOUND',
    lines
      .filter((line) => line !== '')
      .map((line) => printable(line, LINE))
      .join('\n'),
    false,
  );
}

/** The watchers that run now. */
export async function watchersAt({ store, prefixes, signal }: EtcdSession): Promise<readonly LiveWatcher[]> {
  return liveWatchers(prefixes, byKey(await store.list(watchersPrefix(prefixes), signal)));
}

/** Whether a watcher drives the service, and where none does what may have been meant. */
export function hintFor(service: string, watchers: readonly LiveWatcher[]): string {
  if (watchers.length === 0) return 'no watcher is running';
  if (watchers.some(({ services }) => services.has(service))) return '';
  const names = [...new Set(watchers.flatMap(({ named }) => named))];
  const meant = nearest(service, names);
  if (meant !== undefined) return `perhaps ${meant}?`;
  return names.length > 0 ? `the watchers drive ${listed(names)}` : 'the watchers drive no service';
}

/** Names that a message lists before it says how many more there are. */
const LISTED = 8;

/** The longest name in a list, and the longest line, in characters. */
const NAME = 80;
const LINE = 1000;

/** A list of names in words, fit to be shown whoever made them, the first few of them. */
export function listed(names: readonly string[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${names
    .slice(0, LISTED)
    .map((name) => printable(name, NAME))
    .join(', ')}${more}`;
}

function byKey(entries: readonly KeyValue[]): ReadonlyMap<string, KeyValue> {
  return new Map(entries.map((entry) => [entry.key, entry]));
}
