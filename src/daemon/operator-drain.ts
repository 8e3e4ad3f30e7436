import { liveWatchers } from '../core/drain-answers.js';
import { type Instance, maintenanceKey } from '../core/keys.js';
import type { View } from '../core/ports.js';
import { awaitAnswers } from './drain-handshake.js';
import type { DrainProgress, OperatorDrainOptions } from './operator-drain-options.js';

/**
 * `sidekick drain`: asks every watcher to take an instance out, until it is undrained; the key outlives everybody.
 * Asking again is a new request. Resolves to its revision.
 */
export function requestDrain(
  instance: Instance,
  { store, space }: OperatorDrainOptions,
  signal: AbortSignal,
): Promise<number> {
  return store.put(maintenanceKey(space, instance), '{}', {}, signal);
}

/** `sidekick undrain`: takes the request back; resolves to whether there was one. */
export function cancelDrain(
  instance: Instance,
  { store, space }: OperatorDrainOptions,
  signal: AbortSignal,
): Promise<boolean> {
  return store.remove(maintenanceKey(space, instance), {}, signal);
}

/**
 * `sidekick drain --wait`: calls `onProgress` whenever something of it has changed, and resolves to the last of it when
 * every live watcher that drives the service has answered. Rejects with the signal's reason when that is aborted.
 */
export async function followDrain(
  instance: Instance,
  revision: number,
  { reader, space }: OperatorDrainOptions,
  onProgress: (progress: DrainProgress) => void,
  signal: AbortSignal,
): Promise<DrainProgress> {
  let progress: DrainProgress = { answered: [], waitingFor: [], done: false };
  let shown = '';
  const onDebts = (debts: readonly { readonly watcher: string }[], view: View) => {
    const waitingFor = debts.map(({ watcher }) => watcher);
    const answered = liveWatchers(space, view.entries)
      .filter(({ watcher, services }) => services.has(instance.service) && !waitingFor.includes(watcher))
      .map(({ watcher }) => watcher);
    progress = { answered, waitingFor, done: waitingFor.length === 0 };
    const text = JSON.stringify(progress);
    if (text !== shown) onProgress(progress);
    shown = text;
  };
  const done = await awaitAnswers(() => [{ ...instance, revision }], { reader, space, onDebts }, signal);
  if (!done) signal.throwIfAborted();
  return progress;
}
