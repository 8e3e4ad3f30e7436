import { liveWatchers } from '../../core/drain-acks.js';
import { type Instance, maintenanceKey, registrationKey } from '../../core/keys.js';
import { decodeMaintenance, encodeMaintenance, type Maintenance } from '../../core/maintenance.js';
import type { RegistrySnapshot } from '../../core/ports.js';
import { awaitAcks } from './await-acks.js';
import type { DrainProgress, OperatorDrainOptions } from './operator-options.js';

/**
 * `sidekick drain`: asks every watcher to take an instance out, until it is undrained; the key outlives everybody.
 * Asking again is a new request. Resolves to its revision.
 */
export function requestDrain(
  instance: Instance,
  maintenance: Maintenance,
  { store, prefixes }: OperatorDrainOptions,
  signal: AbortSignal,
): Promise<number> {
  return store.put(maintenanceKey(prefixes, instance), encodeMaintenance(maintenance), {}, signal);
}

/** `sidekick undrain`: takes the request back; resolves to what it said, or to undefined where there was none. */
export async function cancelDrain(
  instance: Instance,
  { store, prefixes }: OperatorDrainOptions,
  signal: AbortSignal,
): Promise<Maintenance | undefined> {
  const key = maintenanceKey(prefixes, instance);
  const request = (await store.read([key], signal)).get(key);
  const removed = await store.remove(key, {}, signal);
  return removed ? decodeMaintenance(request?.value ?? '') : undefined;
}

/**
 * `sidekick drain --wait`: calls `onProgress` whenever something of it has changed, and resolves to the last of it when
 * every live watcher that drives the service has answered, or when the instance is registered no more: there is nothing
 * left then that could be drained. Rejects with the signal's reason when that is aborted.
 */
export async function followDrain(
  instance: Instance,
  revision: number,
  { reader, prefixes }: OperatorDrainOptions,
  onProgress: (progress: DrainProgress) => void,
  signal: AbortSignal,
): Promise<DrainProgress> {
  const key = registrationKey(prefixes, instance);
  let progress: DrainProgress = { answered: [], waitingFor: [], registered: true, done: false };
  let shown = '';
  const onDebts = (debts: readonly { readonly watcher: string }[], { entries }: RegistrySnapshot) => {
    const registered = entries.has(key);
    const waitingFor = debts.map(({ watcher }) => watcher);
    const answered = liveWatchers(prefixes, entries)
      .filter(({ watcher, services }) => services.has(instance.service) && !waitingFor.includes(watcher))
      .map(({ watcher }) => watcher);
    progress = {
      answered: registered ? answered : [],
      waitingFor,
      registered,
      done: waitingFor.length === 0,
    };
    const text = JSON.stringify(progress);
    if (text !== shown) onProgress(progress);
    shown = text;
  };
  const requests = (view: RegistrySnapshot | undefined) =>
    view && !view.entries.has(key) ? [] : [{ ...instance, revision }];
  const done = await awaitAcks(requests, { reader, space: prefixes, also: [key], onDebts }, signal);
  if (!done) signal.throwIfAborted();
  return progress;
}
