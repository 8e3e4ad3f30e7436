import { isTimeout, withTimeout } from '../../async/abort.js';
import { retry } from '../../async/retry.js';
import { type DrainAsked, liveWatchers, type PendingAck } from '../../core/drain-acks.js';
import { EtcdError, messageOf } from '../../core/errors.js';
import { watchersPrefix } from '../../core/keys.js';
import { awaitAcks } from '../drain/await-acks.js';
import type { LeaseSession } from '../lease/types.js';
import type { ServiceWorker } from './service-worker.js';
import type { RegistrarPorts } from './types.js';

export interface DrainAndWaitOptions
  extends Pick<RegistrarPorts, 'reader' | 'store' | 'space' | 'log' | 'clock'> {
  readonly keeper: LeaseSession;
  /** For all of it, in ms. */
  readonly timeout: number;
  readonly onDebts: (debts: readonly PendingAck[]) => void;
}

/** How a drain ended: by the answers of every watcher, with nobody to ask, or with keys for which nobody could be asked. */
type Outcome = 'answered' | 'nobody' | 'refused';

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  answered: 'no watcher sends traffic here any more',
  nobody: 'no watcher drives these services: nobody had to be asked',
  refused:
    'no watcher was asked about the keys that etcd refused: they are removed from NGINX as keys that are gone',
};

/** Keys that a log line names; a host may have hundreds. */
const NAMED = 10;

/**
 * Takes services out without anyone noticing: asks for it in their keys, and waits until every watcher that drives
 * them has answered, or the time is over; where there is no such watcher, nobody is asked and nothing is waited for.
 * The keys are still there afterwards. Rejects when aborted.
 */
export async function drainAndWait(
  workers: readonly ServiceWorker[],
  options: DrainAndWaitOptions,
  signal: AbortSignal,
): Promise<void> {
  const { keeper, log, clock, timeout } = options;
  // Nothing was ever registered, so nobody has to wait for an etcd that has not answered once.
  if (!keeper.wasGranted || workers.length === 0) return;
  const began = clock();
  const fields = { keys: workers.slice(0, NAMED).map(({ key }) => key), count: workers.length };
  log.info({ event: 'drain-started', ...fields, timeout }, 'asking to be taken out');
  try {
    const outcome = await withTimeout(timeout, signal, async (limited): Promise<Outcome> => {
      return (await areDriven(workers, options, limited)) ? handshake(workers, options, limited) : 'nobody';
    });
    log.info({ event: 'drain-finished', outcome, ...fields, took: clock() - began }, OUTCOMES[outcome]);
  } catch (error) {
    signal.throwIfAborted();
    if (!isTimeout(error)) throw error;
    log.warn(
      { event: 'drain-timed-out', ...fields, took: clock() - began },
      'not every watcher has answered in time',
    );
  }
}

/**
 * Whether any live watcher drives any of the services. A sidekick that may not see the watchers takes it that there is
 * one: it asks to be drained, and waits for as long as it may.
 */
async function areDriven(
  workers: readonly ServiceWorker[],
  { store, space, log }: DrainAndWaitOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const look = () => store.list(watchersPrefix(space), signal);
  try {
    const entries = await retry(look, { min: 100, max: 1000, signal, while: (error) => !isRefusal(error) });
    const watchers = liveWatchers(space, new Map(entries.map((entry) => [entry.key, entry])));
    return watchers.some(({ services }) => workers.some(({ instance }) => services.has(instance.service)));
  } catch (error) {
    signal.throwIfAborted();
    log.warn(
      { event: 'drain-watchers-unknown', reason: messageOf(error) },
      'etcd does not let this sidekick see the watchers: it cannot know when they have taken it out',
    );
    return true;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof EtcdError && error.refused;
}

/** Asks every watcher, where etcd lets it be asked; a key that cannot ask is removed, which is the better drain then. */
async function handshake(
  workers: readonly ServiceWorker[],
  { keeper, reader, space, log, onDebts }: DrainAndWaitOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  for (const worker of workers) worker.drain();
  await keeper.settled(signal);
  const refused = workers.filter(({ key }) => keeper.status(key) === 'refused');
  for (const { key } of refused) {
    const reason = keeper.refusal(key);
    const message = 'etcd refuses the request to be drained: the key is removed at once instead';
    log.warn({ event: 'drain-refused', key, reason }, message);
    keeper.unset(key);
  }
  await keeper.settled(signal);
  const asked = workers.map((worker) => ({
    ...worker.instance,
    key: worker.key,
    revision: keeper.revision(worker.key),
  }));
  // What a newer process has, or takes meanwhile, is that one's to drain.
  const requests = () =>
    asked.filter(
      (request): request is typeof request & DrainAsked =>
        request.revision !== undefined && keeper.status(request.key) !== 'superseded',
    );
  if (!(await awaitAcks(requests, { reader, space, onDebts }, signal))) signal.throwIfAborted();
  return refused.length > 0 ? 'refused' : 'answered';
}
