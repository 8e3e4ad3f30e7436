import type { Debt, DrainAsked } from '../core/drain-answers.js';
import { awaitAnswers } from './drain-handshake.js';
import type { LeaseKeeper } from './lease-keeper-options.js';
import type { RegistrarOptions } from './registrar-options.js';
import type { ServiceWorker } from './service-worker.js';
import { withTimeLimit } from './time-limit.js';

export interface DepartureOptions extends Pick<RegistrarOptions, 'reader' | 'space' | 'log' | 'clock'> {
  readonly keeper: LeaseKeeper;
  /** For all of it, in ms. */
  readonly timeout: number;
  readonly onDebts: (debts: readonly Debt[]) => void;
}

/**
 * Takes services out without anyone noticing: asks for it in their keys, and waits until every watcher that drives
 * them has answered, or the time is over. The keys are still there afterwards. Rejects when aborted.
 */
export async function depart(
  workers: readonly ServiceWorker[],
  options: DepartureOptions,
  signal: AbortSignal,
): Promise<void> {
  const { log, clock, timeout } = options;
  const began = clock();
  const services = workers.map(({ key }) => key);
  log.info({ event: 'drain-began', services, timeout }, 'asking to be taken out');
  for (const worker of workers) worker.drain();
  try {
    await withTimeLimit(timeout, signal, (limited) => handshake(workers, options, limited));
    log.info(
      { event: 'drain-done', services, took: clock() - began },
      'every watcher has taken the services out',
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DOMException)) throw error;
    log.warn(
      { event: 'drain-timeout', services, took: clock() - began },
      'not every watcher has answered in time',
    );
  }
}

async function handshake(
  workers: readonly ServiceWorker[],
  { keeper, reader, space, onDebts }: DepartureOptions,
  signal: AbortSignal,
): Promise<void> {
  await keeper.settled(signal);
  // What is superseded is a newer process's to drain, and what etcd refused is not there.
  const requests = workers.flatMap((worker): DrainAsked[] => {
    const revision = keeper.revision(worker.key);
    return revision === undefined ? [] : [{ ...worker.instance, revision }];
  });
  if (!(await awaitAnswers(requests, { reader, space, onDebts }, signal))) signal.throwIfAborted();
}
