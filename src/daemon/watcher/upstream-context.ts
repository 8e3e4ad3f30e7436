import type { UpstreamRef } from '../../core/upstream.js';
import type { WatcherDeps } from './deps.js';
import type { GuardTracker } from './guard-tracker.js';
import type { NginxConnection } from './nginx-connection.js';
import type { PassReport } from './pass-report.js';
import type { SyncState } from './sync-state.js';
import type { UpstreamFeed } from './upstream-feed.js';
import type { UpstreamMemory } from './upstream-memory.js';

/** What the parts of the worker of one upstream of one NGINX share. */
export interface UpstreamContext {
  readonly ref: UpstreamRef;
  readonly nginx: NginxConnection;
  readonly deps: WatcherDeps;
  /** What etcd wants. */
  readonly feed: UpstreamFeed;
  /** What the passes have found. */
  readonly state: SyncState;
  /** What NGINX has refused. */
  readonly memory: UpstreamMemory;
  readonly guard: GuardTracker;
  /** The log and the metrics. */
  readonly report: PassReport;
}
