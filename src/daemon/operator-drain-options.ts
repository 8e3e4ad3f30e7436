import type { Instance, KeySpace } from '../core/keys.js';
import type { RegistryReader, RegistryStore } from '../core/ports.js';

export interface OperatorDrainOptions {
  readonly store: RegistryStore;
  readonly reader: RegistryReader;
  readonly space: KeySpace;
}

/** How far the watchers are with one drain. */
export interface DrainProgress {
  /** The watchers that have taken the instance out. */
  readonly answered: readonly string[];
  /** The live watchers that drive the service and have not answered yet. */
  readonly waitingFor: readonly string[];
  /** No watcher is waited for any more. */
  readonly done: boolean;
}

/** `sidekick drain`: writes the maintenance key; resolves to the revision of the request. */
export type RequestDrain = (
  instance: Instance,
  options: OperatorDrainOptions,
  signal: AbortSignal,
) => Promise<number>;

/** `sidekick drain --wait`: calls `onProgress` whenever it changes; resolves when done; rejects when aborted. */
export type FollowDrain = (
  instance: Instance,
  revision: number,
  options: OperatorDrainOptions,
  onProgress: (progress: DrainProgress) => void,
  signal: AbortSignal,
) => Promise<DrainProgress>;

/** `sidekick undrain`: deletes the maintenance key; resolves to whether there was one. */
export type CancelDrain = (
  instance: Instance,
  options: OperatorDrainOptions,
  signal: AbortSignal,
) => Promise<boolean>;
