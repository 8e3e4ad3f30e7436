import type { KeyPrefixes } from '../../core/keys.js';
import type { RegistryClient, RegistryReader } from '../../core/ports.js';

export interface OperatorDrainOptions {
  readonly store: RegistryClient;
  readonly reader: RegistryReader;
  readonly prefixes: KeyPrefixes;
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
