import type { EtcdState } from '../../core/etcd-state.js';
import type { Instance } from '../../core/keys.js';
import type { Maintenance } from '../../core/maintenance.js';
import type { MappingProblem } from '../../core/mapping.js';
import type { Kind } from '../../core/upstream.js';

/** What a watcher says of itself on `/status`. Plain JSON; times are milliseconds since the epoch. */
export interface WatcherStatus {
  readonly id: string;
  /** etcd has been read, every NGINX answers, and every upstream matched at its last pass. */
  readonly ready: boolean;
  readonly etcd: {
    readonly connected: boolean;
    /** `refuses` also where it can be read, but refuses this watcher's lease or a key under it. */
    readonly state: EtcdState;
    /** The revision of the last view; undefined before the first. */
    readonly revision?: number;
    /** Why it cannot be read now, or what it refuses. */
    readonly error?: string;
  };
  /** Another watcher with this id has been started later: one of the two needs another id. */
  readonly superseded: boolean;
  readonly services: readonly ServiceStatus[];
  /** Instances that an operator has taken out, with who, when and why; older versions do not say. */
  readonly maintenance?: readonly (Instance & Maintenance)[];
  /** Keys that are not taken, with the reason; the first of them. */
  readonly rejected: readonly { readonly key: string; readonly reason: string }[];
  readonly nginx: readonly NginxStatus[];
}

export interface ServiceStatus {
  readonly name: string;
  /** Instances whose registration is taken, or was before its value became one that cannot be read. */
  readonly registered: number;
  /** Keys that are not taken for what they say. */
  readonly rejected: number;
  /** Keys that are not taken for want of room: see `limits`. */
  readonly overLimit: number;
  readonly draining: number;
}

export interface NginxStatus {
  readonly name: string;
  readonly connected: boolean;
  readonly version?: string;
  readonly generation?: number;
  readonly error?: string;
  /** It answers, but not as the API does: a wrong URL, a missing credential, another program. */
  readonly refused?: boolean;
  /** How long ago it last answered, in ms; undefined before it has. */
  readonly lastSeenAgo?: number;
  readonly problems: readonly MappingProblem[];
  readonly upstreams: readonly UpstreamStatus[];
}

export interface UpstreamStatus {
  readonly kind: Kind;
  readonly name: string;
  readonly services: readonly string[];
  /** NGINX equalled etcd at the last pass, but for what is draining or held. */
  readonly matched: boolean;
  readonly lastPassAt?: number;
  readonly servers: readonly ServerStatus[];
  /** Addresses that the guard holds, each with the time at which it is let go. */
  readonly held: readonly { readonly address: string; readonly until: number }[];
  /** Servers that are not sidekick's: DNS names, unix sockets. */
  readonly unmanaged: number;
  /** What went wrong at the last pass. */
  readonly errors: readonly string[];
}

export interface ServerStatus {
  readonly address: string;
  /** `unknown`: NGINX does not answer now; `lastState` is what it had when it last did. */
  readonly state: 'up' | 'down' | 'draining' | 'held' | 'unknown';
  readonly lastState?: string;
  readonly active?: number;
}
