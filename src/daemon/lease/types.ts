import type { EtcdCondition } from '../../core/etcd-state.js';
import type { Clock, LeaseId, Log, Meter, RegistryClient } from '../../core/ports.js';

/** The lease's time to live unless configured otherwise, in ms. */
export const DEFAULT_LEASE_TTL = 15_000;

export interface LeaseSessionOptions {
  readonly store: RegistryClient;
  /** Time to live of the lease, in ms; etcd keeps whole seconds, at least 1. Kept alive every third of it. */
  readonly ttl: number;
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  /** 0 to 1, for jitter; default Math.random. */
  readonly random?: () => number;
  /** How long the revocation at the end may take, in ms; default 2000. The TTL does the rest. */
  readonly revokeTimeout?: number;
}

/**
 * How one wanted key stands.
 * `pending`: to be written. `held`: in etcd under our lease, as wanted. `superseded`: a newer process has put it under
 * a lease of its own; it is left alone, and taken over again when it disappears. `refused`: etcd does not let us.
 */
export type KeyStatus = 'pending' | 'held' | 'superseded' | 'refused';

/**
 * Keeps a set of keys in etcd under one lease for as long as it runs: whatever happens to the lease, to the keys or to
 * etcd is mended. Nothing here rejects because of etcd.
 */
export interface LeaseSession {
  /** Wants this key with this value; it is written as soon as may be. The same value again does nothing. */
  set(key: string, value: string): void;
  /** Wants this key no more: it is deleted if it is still under our lease. */
  unset(key: string): void;
  /** How a wanted key stands; undefined for a key that is not wanted. */
  status(key: string): KeyStatus | undefined;
  /** The revision at which the wanted value was written, while it is held. */
  revision(key: string): number | undefined;
  /** Why etcd refuses a wanted key; undefined while it does not. */
  refusal(key: string): string | undefined;
  /** How etcd answers: `refuses` also where it keeps the lease, but refuses a key. */
  readonly etcd: EtcdCondition;
  /**
   * Resolves once every wanted key is written (to false where some is superseded or refused) and every unwanted one
   * deleted. Rejects with the signal's reason when that is aborted.
   */
  settled(signal: AbortSignal): Promise<boolean>;
  /** The lease that is held, as far as is known: undefined once its time has run out without a keepalive. */
  readonly lease: LeaseId | undefined;
  /** Whether there ever was a lease: without one, nothing of ours can be in etcd. */
  readonly wasGranted: boolean;
  /** When the lease's loop last moved, in ms since the epoch, whether or not etcd answered: what a watchdog wants to know. */
  readonly lastProgress: number;
  /** Runs until aborted, then revokes the lease (bounded) and resolves. Call once. */
  run(signal: AbortSignal): Promise<void>;
}
