import { isTimeout, withTimeout } from '../../async/abort.js';
import { retry } from '../../async/retry.js';
import { liveWatchers, type PendingAck } from '../../core/drain-acks.js';
import { EtcdError, messageOf } from '../../core/errors.js';
import { type KeyPrefixes, watchersPrefix } from '../../core/keys.js';
import { awaitAcks } from '../drain/await-acks.js';
import type { LeaseSession } from '../lease/session.js';
import type { RegistrarPorts } from './options.js';
import type { ServiceWorker } from './service-worker.js';

interface DrainAndWaitOptions extends Omit<RegistrarPorts, 'meter'> {
  readonly prefixes: KeyPrefixes;
  readonly session: LeaseSession;
  /** For the whole drain, in ms. */
  readonly timeout: number;
  /** Called when other acknowledgements than before are pending. */
  readonly onPending: (pending: readonly PendingAck[]) => void;
}

/**
 * How a drain ended. `acknowledged`: every watcher has acknowledged it. `no-watchers`: no watcher had to. `refused`: as
 * `acknowledged`, but for keys in which etcd did not let us request it.
 */
type Outcome = 'acknowledged' | 'no-watchers' | 'refused';

const MESSAGES: Readonly<Record<Outcome, string>> = {
  acknowledged: 'drained: no watcher sends traffic here any more',
  'no-watchers': 'no watcher drives these services: there is nobody to wait for',
  refused: 'etcd refused the drain request of some keys: those keys are removed without one',
};

/** Keys that a log line names; a host may have hundreds. */
const NAMED = 10;

/**
 * Drains services: requests it in their keys, and waits until every live watcher that drives them has acknowledged, or
 * until the time is over. Where there is no such watcher it requests nothing and does not wait. The keys stay.
 * Rejects with the signal's reason when that is aborted.
 */
export async function drainAndWait(
  workers: readonly ServiceWorker[],
  options: DrainAndWaitOptions,
  signal: AbortSignal,
): Promise<void> {
  const { session, log, clock, timeout } = options;
  // Nothing was ever registered: do not wait for an etcd that has never answered.
  if (!session.wasGranted || workers.length === 0) return;
  const began = clock();
  const fields = { keys: workers.slice(0, NAMED).map(({ key }) => key), count: workers.length };
  log.info(
    { event: 'drain-started', ...fields, timeout },
    'the drain begins: waiting until the watchers have acknowledged it',
  );
  try {
    const outcome = await withTimeout(timeout, signal, async (limited): Promise<Outcome> => {
      const driven = await anyWatcherDrives(workers, options, limited);
      return driven ? requestAndAwait(workers, options, limited) : 'no-watchers';
    });
    log.info({ event: 'drain-finished', outcome, ...fields, took: clock() - began }, MESSAGES[outcome]);
  } catch (error) {
    signal.throwIfAborted();
    if (!isTimeout(error)) throw error;
    log.warn(
      { event: 'drain-timed-out', ...fields, took: clock() - began },
      'not every watcher has acknowledged the drain in time: the stop goes on without them',
    );
  }
}

/**
 * Whether a live watcher drives any of these services. If etcd denies reading the watchers, assumes that one does, so
 * that the drain is requested and waits for its full timeout.
 */
async function anyWatcherDrives(
  workers: readonly ServiceWorker[],
  { store, prefixes, log }: DrainAndWaitOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const list = () => store.list(watchersPrefix(prefixes), signal);
  try {
    const entries = await retry(list, { min: 100, max: 1000, signal, while: (error) => !isRefusal(error) });
    const watchers = liveWatchers(prefixes, new Map(entries.map((entry) => [entry.key, entry])));
    return watchers.some(({ services }) => workers.some(({ instance }) => services.has(instance.service)));
  } catch (error) {
    signal.throwIfAborted();
    log.warn(
      { event: 'drain-watchers-unknown', reason: messageOf(error) },
      'etcd does not let this sidekick read the watchers: it waits for the whole drain timeout',
    );
    return true;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof EtcdError && error.refused;
}

/** Removes the keys in which etcd refuses the drain request: the watchers then drain them as keys that are gone. */
async function requestAndAwait(
  workers: readonly ServiceWorker[],
  { session, reader, prefixes, log, onPending }: DrainAndWaitOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  for (const worker of workers) worker.drain();
  await session.settled(signal);
  const refused = workers.filter(({ key }) => session.status(key) === 'refused');
  for (const { key } of refused) {
    const fields = { event: 'drain-refused', key, reason: session.refusal(key) };
    log.warn(fields, 'etcd refuses the drain request: the key is removed instead');
    session.unset(key);
  }
  await session.settled(signal);
  const requested = workers.map(({ instance, key }) => ({
    ...instance,
    key,
    revision: session.revision(key),
  }));
  // A key that a newer process holds, or takes in the meantime, is drained by that process.
  const requests = () =>
    requested.flatMap(({ revision, key, ...instance }) =>
      revision === undefined || session.status(key) === 'superseded' ? [] : [{ ...instance, revision }],
    );
  if (!(await awaitAcks(requests, { reader, prefixes, onPending }, signal))) signal.throwIfAborted();
  return refused.length > 0 ? 'refused' : 'acknowledged';
}
