import { type Action, type Plan, plan } from '../../core/plan.js';
import type { KnownServers } from './known-servers.js';
import { drainTimeoutOf } from './options.js';
import type { PassSource, PlanScope } from './reconcile.js';
import type { UpstreamContext } from './upstream-context.js';

/** Plans the passes over one upstream: compares what etcd wants with what NGINX has. */
export class UpstreamPlanner implements PassSource {
  readonly #context: UpstreamContext;
  #version = 0;
  #plannedRevision = 0;

  constructor(context: UpstreamContext) {
    this.#context = context;
  }

  get version(): number {
    return this.#version;
  }

  /** The revision of etcd that the last full pass was planned for. */
  get plannedRevision(): number {
    return this.#plannedRevision;
  }

  /** Another plan may be right from now on. */
  invalidate(): void {
    this.#version++;
  }

  plan(servers: KnownServers, { only, countersAreFresh }: PlanScope): Plan {
    const { ref, deps, feed, state, memory, guard } = this.#context;
    const { desired } = feed;
    if (only) guard.advance();
    else {
      this.#plannedRevision = feed.revision;
      guard.observe(servers.byAddress, feed);
    }
    const options = deps.options();
    return plan({
      kind: ref.kind,
      desired,
      actual: servers.byAddress,
      ...(only ? { only } : {}),
      countersAreFresh,
      health: feed.health,
      probeError: (address) => feed.probeError(address),
      goneCause: (address) => feed.goneCause(address),
      inSyncRevision: state.inSyncRevision,
      held: guard.held,
      graced: guard.graced,
      drains: state.drains,
      limits: { timeout: drainTimeoutOf(ref, options), settle: options.timing.settle },
      immutable: memory.immutable,
      zoneFull: memory.zoneFull,
      now: deps.clock(),
    });
  }

  isRejected(action: Action): boolean {
    const { memory, deps } = this.#context;
    return memory.isRejected(action, deps.clock());
  }
}
