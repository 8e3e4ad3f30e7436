import { sleep } from '../async/sleep.js';
import { EtcdError, LeaseGoneError } from '../core/errors.js';
import { conditionOf } from '../core/etcd-state.js';
import type { LeaseId, Log, RegistryClient } from '../core/ports.js';

/** The least time between two writes of a daemon's status, in ms. */
const INTERVAL = 2_000;

/** How long to wait after etcd has refused a write, in ms: somebody has to change something first. */
const REFUSED_INTERVAL = 60_000;

interface StatusPublisherOptions {
  readonly store: Pick<RegistryClient, 'put' | 'remove'>;
  readonly log: Log;
  /** The lease that the keys live under; undefined while there is none. */
  readonly lease: () => LeaseId | undefined;
  /** The keys that are to be there, with their values. */
  readonly status: () => ReadonlyMap<string, string>;
}

/**
 * Keeps a daemon's status in etcd for those who look: writes what has changed, at most every two seconds, and nothing
 * while nothing changes. Nothing waits for it, and where etcd refuses it the daemon works on.
 */
export class StatusPublisher {
  readonly #options: StatusPublisherOptions;
  #lease: LeaseId | undefined;
  #written = new Map<string, string>();
  #isRefused = false;

  constructor(options: StatusPublisherOptions) {
    this.#options = options;
  }

  /** Runs until aborted. The keys end with the lease. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#isRefused ? REFUSED_INTERVAL : INTERVAL, signal);
      if (!signal.aborted) await this.#publish(signal);
    }
  }

  async #publish(signal: AbortSignal): Promise<void> {
    const lease = this.#options.lease();
    if (lease === undefined) return;
    if (lease !== this.#lease) this.#written.clear();
    this.#lease = lease;
    try {
      await this.#write(lease, signal);
      this.#isRefused = false;
    } catch (error) {
      if (signal.aborted || error instanceof LeaseGoneError) return;
      if (!(error instanceof EtcdError)) throw error;
      if (error.refused && !this.#isRefused) {
        const fields = { event: 'status-refused', reason: conditionOf(error).error };
        this.#options.log.warn(
          fields,
          'etcd refuses the status of this daemon: `sidekick status` does not show it',
        );
      }
      this.#isRefused = error.refused;
    }
  }

  async #write(lease: LeaseId, signal: AbortSignal): Promise<void> {
    const { store, status } = this.#options;
    const wanted = status();
    for (const [key, value] of wanted) {
      if (this.#written.get(key) === value) continue;
      await store.put(key, value, { lease }, signal);
      this.#written.set(key, value);
    }
    for (const key of this.#written.keys()) {
      if (wanted.has(key)) continue;
      await store.remove(key, { lease }, signal);
      this.#written.delete(key);
    }
  }
}
