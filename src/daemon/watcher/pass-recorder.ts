import type { Address } from '../../core/address.js';
import type { NginxError } from '../../core/errors.js';
import { PropagationClock } from './propagation-clock.js';
import type { PassResult } from './reconcile.js';
import { serverCounts } from './status.js';
import type { UpstreamContext } from './upstream-context.js';

/** Records what came of the passes over one upstream: in its state, in its memory, in the log and in the metrics. */
export class PassRecorder {
  readonly #context: UpstreamContext;
  readonly #propagation = new PropagationClock();

  constructor(context: UpstreamContext) {
    this.#context = context;
  }

  /** These addresses have changed in etcd. */
  registrationsChanged(addresses: ReadonlySet<Address>): void {
    this.#propagation.changed(addresses, this.#context.deps.clock());
  }

  /** A full pass has ended. @param revision The revision of etcd that it was planned for. */
  recordPass(result: PassResult, revision: number): void {
    const { deps, state, memory, guard, report } = this.#context;
    const { plan, servers, stale } = result;
    const now = deps.clock();
    report.clear('upstream-unreadable');
    state.recordPass(result, revision, now);
    this.#reportOutcomes(result);
    memory.recordPass(result, now, deps.options().timing.resync);
    if (state.inSync) report.clearAll();
    report.deferred(plan.deferred);
    report.pass(state.errors.length > 0 ? 'error' : 'ok');
    report.servers(serverCounts(servers, state.drains, guard.held));
    report.outOfSync(outOfSync(result).size);
    this.#reportOldestDrain();
    if (state.errors.length === 0) report.passed(deps.toWallTime(now));
    if (!stale) this.#propagation.settled();
  }

  /** A pass over these addresses has ended. */
  recordAddresses(addresses: ReadonlySet<Address>, result: PassResult): void {
    const { deps, state, memory } = this.#context;
    state.recordAddresses(addresses, result);
    this.#reportOutcomes(result);
    memory.recordAddresses(result, deps.clock(), deps.options().timing.resync);
    this.#reportOldestDrain();
    if (!result.stale && state.isKnown) this.#propagation.settled(addresses);
  }

  /** The group could not be read. */
  recordFailedRead(error: NginxError): void {
    const { state, memory, report } = this.#context;
    memory.recordFailedRead();
    state.recordFailedRead(error);
    report.pass('error');
    // An NGINX that does not answer is reported once by its connection, not for each of its upstreams.
    if (error.status !== undefined) report.unreadable(error);
  }

  #reportOutcomes({ outcomes }: PassResult): void {
    const { deps, report } = this.#context;
    report.outcomes(outcomes);
    for (const { action, error } of outcomes) {
      if (error) continue;
      const took = this.#propagation.answered(action.address, deps.clock());
      if (took !== undefined) report.propagated(took);
    }
  }

  #reportOldestDrain(): void {
    const { deps, state, report } = this.#context;
    const since = [...state.drains.values()].map((drain) => drain.since);
    report.oldestDrain(since.length > 0 ? deps.toWallTime(Math.min(...since)) : undefined);
  }
}

/** The addresses at which NGINX is not as etcd wants it after a full pass. */
function outOfSync({ plan, outcomes }: PassResult): ReadonlySet<Address> {
  const addresses = new Set([...plan.actions.map(({ address }) => address), ...plan.deferred]);
  for (const { action, error } of outcomes) if (!error) addresses.delete(action.address);
  return addresses;
}
