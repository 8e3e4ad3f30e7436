import type { Address } from '../../core/address.js';
import type { DrainClock } from '../../core/drain.js';
import type { NginxError } from '../../core/errors.js';
import type { KnownServers } from './known-servers.js';
import type { PassResult } from './reconcile.js';
import { leavesStateUncertain } from './upstream-memory.js';

/** How one upstream of one NGINX stands, by the passes over it. Times are milliseconds by the monotonic clock. */
export class SyncState {
  #servers: KnownServers | undefined;
  #isKnown = false;
  #drains = new Map<Address, DrainClock>();
  /** The drain requests that the last full pass found done: the newest revision for each address. */
  #drained = new Map<Address, number>();
  #inSync = false;
  #inSyncAt: number | undefined;
  #inSyncRevision: number | undefined;
  #lastPassAt: number | undefined;
  #errors: readonly string[] = [];

  /** What NGINX has; undefined until the group has been read. */
  get servers(): KnownServers | undefined {
    return this.#servers;
  }

  /** Whether `servers` is what NGINX has as far as anybody can tell: the fast path goes by it. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** The drains in progress. */
  get drains(): ReadonlyMap<Address, DrainClock> {
    return this.#drains;
  }

  /** Whether the request of this revision to drain the address is done. */
  isDrained(address: Address, revision: number): boolean {
    return (this.#drained.get(address) ?? 0) >= revision;
  }

  /** The last full pass found NGINX to be as etcd wants it, and no pass since has found a difference. */
  get inSync(): boolean {
    return this.#inSync;
  }

  /** When a full pass last found NGINX in sync. */
  get inSyncAt(): number | undefined {
    return this.#inSyncAt;
  }

  /** The revision of etcd that NGINX was in sync with then. */
  get inSyncRevision(): number | undefined {
    return this.#inSyncRevision;
  }

  /** When the last full pass ended. */
  get lastPassAt(): number | undefined {
    return this.#lastPassAt;
  }

  /** What went wrong in the last pass. */
  get errors(): readonly string[] {
    return this.#errors;
  }

  /** A full pass has ended. @param revision The revision of etcd that it was planned for. */
  recordPass(result: PassResult, revision: number, now: number): void {
    const { plan, servers, stale } = result;
    this.#lastPassAt = now;
    this.#servers = servers;
    this.#drains = new Map(plan.drains);
    this.#drained = new Map(plan.drained);
    this.#isKnown = true;
    this.#recordOutcomes(result);
    this.#inSync = !findsDifference(result) && !stale;
    if (!this.#inSync) return;
    this.#inSyncAt = now;
    this.#inSyncRevision = revision;
  }

  /** A pass over these addresses has ended. */
  recordAddresses(addresses: ReadonlySet<Address>, result: PassResult): void {
    const { drains, drained } = result.plan;
    for (const address of addresses) {
      const clock = drains.get(address);
      if (clock) this.#drains.set(address, clock);
      else this.#drains.delete(address);
      // Only a full pass finds a drain done; that it is not asked for any more shows here.
      if (!drained.has(address)) this.#drained.delete(address);
    }
    this.#recordOutcomes(result);
    if (findsDifference(result)) this.#inSync = false;
  }

  /** The group could not be read. */
  recordFailedRead({ message }: NginxError): void {
    this.#isKnown = false;
    this.#inSync = false;
    this.#errors = [message];
  }

  /** Another NGINX answers, or the same reloaded. */
  reset(): void {
    this.#isKnown = false;
    this.#inSync = false;
    this.#inSyncAt = undefined;
    this.#drained.clear();
  }

  #recordOutcomes({ outcomes, stale, unknownIds }: PassResult): void {
    const failed: string[] = [];
    for (const { action, error } of outcomes) {
      if (!error) continue;
      failed.push(`${action.type} ${action.address}: ${error.message}`);
      if (leavesStateUncertain(error)) this.#isKnown = false;
    }
    this.#errors = failed;
    if (stale || unknownIds) this.#isKnown = false;
  }
}

/** Whether the pass found that NGINX is not as etcd wants it. */
export function findsDifference({ plan }: Pick<PassResult, 'plan'>): boolean {
  return plan.actions.length > 0 || plan.deferred.length > 0;
}
