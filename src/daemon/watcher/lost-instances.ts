import type { Address } from '../../core/address.js';
import { causeFields } from '../../core/cause.js';
import type { GoneInstance } from '../../core/gone-instances.js';
import type { Instance } from '../../core/keys.js';
import type { Log, Meter, WallClock } from '../../core/ports.js';
import type { PublishedLoss } from '../../core/published-status.js';

/** How long an instance is remembered as lost unless it registers again, in ms. */
const REMEMBERED = 3_600_000;

/** Most instances that are remembered: whoever writes keys can name any number. */
const MOST = 1_000;

interface LostInstancesContext {
  readonly log: Log;
  readonly meter: Meter;
  readonly wallClock: WallClock;
}

/**
 * The instances whose lease ended although nobody had drained them: their host or their sidekick died. Each is remembered
 * for an hour, or until it registers again, so that the status and an alert can name it after its keys are gone.
 */
export class LostInstances {
  readonly #context: LostInstancesContext;
  /** The oldest first. */
  readonly #lost = new Map<string, PublishedLoss>();

  constructor(context: LostInstancesContext) {
    this.#context = context;
  }

  /** The leases of these instances have ended. Those that an operator had drained are no loss. */
  add(ended: readonly GoneInstance[]): void {
    const { log, meter, wallClock } = this.#context;
    const at = wallClock();
    for (const { service, address, drained } of ended) {
      if (drained) continue;
      this.#forget(keyOf({ service, address }));
      this.#lost.set(keyOf({ service, address }), { service, address, at });
      meter.gauge('sidekick_instance_lost_timestamp_seconds', at / 1000, { service, address });
      const fields = { event: 'instance-lost', service, address, ...causeFields({ kind: 'lease-ended' }) };
      log.warn(fields, 'an instance was lost: nobody had drained it');
    }
    for (const oldest of this.#lost.keys()) {
      if (this.#lost.size <= MOST) return;
      this.#forget(oldest);
    }
  }

  /** These instances have changed in etcd: those that are registered again are lost no longer. */
  changed(
    service: string,
    addresses: Iterable<Address>,
    registered: { has(address: Address): boolean },
  ): void {
    for (const address of addresses) {
      if (registered.has(address)) this.#forget(keyOf({ service, address }));
    }
  }

  /** Forgets those that were lost long ago. */
  sweep(): void {
    const now = this.#context.wallClock();
    for (const [key, { at }] of this.#lost) {
      if (now - at >= REMEMBERED) this.#forget(key);
    }
  }

  /** The newest of them, at most `most`. */
  newest(most: number): readonly PublishedLoss[] {
    return [...this.#lost.values()].slice(-most).reverse();
  }

  #forget(key: string): void {
    const lost = this.#lost.get(key);
    if (!lost) return;
    this.#lost.delete(key);
    const { service, address } = lost;
    this.#context.meter.remove('sidekick_instance_lost_timestamp_seconds', { service, address });
  }
}

function keyOf({ service, address }: Pick<Instance, 'service'> & { readonly address: string }): string {
  return `${service}/${address}`;
}
