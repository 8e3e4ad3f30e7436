import type { EtcdCondition } from '../../core/etcd-state.js';
import type { Maintenance } from '../../core/maintenance.js';

/** One service as `/status` shows it. */
export interface ServiceStatus {
  readonly service: string;
  readonly address: string;
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** Why the last probe failed, where it failed; else why etcd refuses the key, or what holds it instead. */
  readonly reason?: string;
  /**
   * `registered`: in etcd under our lease. `pending`: not written yet. `absent`: not healthy, so not to be in etcd.
   * `superseded`: a newer process holds the address. `refused`: etcd does not let us write it.
   */
  readonly key: 'registered' | 'pending' | 'absent' | 'superseded' | 'refused';
  /** Present where an operator drains it: who, when and why. */
  readonly maintenance?: Maintenance;
}

export interface RegistrarStatus {
  readonly phase: 'running' | 'draining' | 'stopped';
  /** Whether etcd answered the last call and the lease has not expired. */
  readonly connected: boolean;
  readonly etcd: EtcdCondition;
  /** See `isReady`. */
  readonly ready: boolean;
  readonly services: readonly ServiceStatus[];
  /** While draining: the watchers whose acknowledgement is awaited. */
  readonly waitingFor: readonly string[];
}

/**
 * Whether a registrar is ready: it runs, it holds its lease, and every service is registered by this process. A service
 * that is not healthy, or whose address a newer process holds, makes it unready.
 */
export function isReady({ phase, connected, services }: Omit<RegistrarStatus, 'ready'>): boolean {
  return phase === 'running' && connected && services.every(({ key }) => key === 'registered');
}
