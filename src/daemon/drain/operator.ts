import { liveWatchers, type PendingAck } from '../../core/drain-acks.js';
import { type Instance, type KeyPrefixes, maintenanceKey, registrationKey } from '../../core/keys.js';
import { decodeMaintenance, encodeMaintenance, type Maintenance } from '../../core/maintenance.js';
import type { RegistryClient, RegistryReader, RegistrySnapshot } from '../../core/ports.js';
import { awaitAcks } from './await-acks.js';

interface OperatorDrainOptions {
  readonly store: RegistryClient;
  readonly reader: RegistryReader;
  readonly prefixes: KeyPrefixes;
}

/** Which watchers have acknowledged one drain. */
export interface DrainProgress {
  readonly acknowledged: readonly string[];
  /** The live watchers that drive the service and have not acknowledged yet. */
  readonly waitingFor: readonly string[];
  /** Whether the instance has a registration; without one no watcher acknowledges. */
  readonly registered: boolean;
  /** Whether no acknowledgement is pending. */
  readonly done: boolean;
}

/**
 * `sidekick drain`: requests that every watcher drains an instance. The request stands until it is cancelled. A second
 * call makes a new request. Resolves to the request's revision.
 */
export function requestDrain(
  instance: Instance,
  maintenance: Maintenance,
  { store, prefixes }: OperatorDrainOptions,
  signal: AbortSignal,
): Promise<number> {
  return store.put(maintenanceKey(prefixes, instance), encodeMaintenance(maintenance), {}, signal);
}

/** `sidekick undrain`: cancels the request. Resolves to what the request said, or to undefined where there was none. */
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
 * `sidekick drain --wait`: calls `onProgress` whenever the progress has changed, and resolves to the last progress when
 * every live watcher that drives the service has acknowledged, or when the instance is no longer registered and so
 * cannot be drained. Rejects with the signal's reason when that is aborted.
 */
export async function followDrain(
  instance: Instance,
  revision: number,
  { reader, prefixes }: OperatorDrainOptions,
  onProgress: (progress: DrainProgress) => void,
  signal: AbortSignal,
): Promise<DrainProgress> {
  const key = registrationKey(prefixes, instance);
  let progress: DrainProgress = { acknowledged: [], waitingFor: [], registered: true, done: false };
  let reported = '';
  const onPending = (pending: readonly PendingAck[], { entries }: RegistrySnapshot) => {
    const registered = entries.has(key);
    const waitingFor = pending.map(({ watcher }) => watcher);
    const acknowledged = liveWatchers(prefixes, entries)
      .filter(({ watcher, services }) => services.has(instance.service) && !waitingFor.includes(watcher))
      .map(({ watcher }) => watcher);
    progress = {
      acknowledged: registered ? acknowledged : [],
      waitingFor,
      registered,
      done: waitingFor.length === 0,
    };
    const text = JSON.stringify(progress);
    if (text !== reported) onProgress(progress);
    reported = text;
  };
  const requests = (snapshot: RegistrySnapshot | undefined) =>
    snapshot && !snapshot.entries.has(key) ? [] : [{ ...instance, revision }];
  const options = { reader, prefixes, requestPrefixes: [key], onPending };
  if (!(await awaitAcks(requests, options, signal))) signal.throwIfAborted();
  return progress;
}
