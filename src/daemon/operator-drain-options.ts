import type { KeySpace } from '../core/keys.js';
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
  /** The instance has a registration; without one no watcher answers. */
  readonly registered: boolean;
  /** No watcher is waited for any more. */
  readonly done: boolean;
}
