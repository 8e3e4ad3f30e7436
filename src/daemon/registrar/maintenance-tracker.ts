import { sleep } from '../../async/sleep.js';
import { EtcdError } from '../../core/errors.js';
import { type Instance, type KeyPrefixes, maintenanceKey } from '../../core/keys.js';
import { decodeMaintenance, describeMaintenance, type Maintenance } from '../../core/maintenance.js';
import type { Log, RegistryClient } from '../../core/ports.js';

/** How often the maintenance keys are read, in ms. */
const INTERVAL = 10_000;

interface MaintenanceTrackerOptions {
  readonly store: RegistryClient;
  readonly prefixes: KeyPrefixes;
  readonly log: Log;
  /** The instances that this process registers. */
  readonly instances: () => readonly Instance[];
}

/**
 * Operators' drains of this process's own instances, for its status: the registrar keeps an instance registered while an
 * operator drains it, and somebody who wonders why it gets no traffic looks there. Nothing depends on it.
 */
export class MaintenanceTracker {
  readonly #options: MaintenanceTrackerOptions;
  #requests: ReadonlyMap<string, Maintenance> = new Map();

  constructor(options: MaintenanceTrackerOptions) {
    this.#options = options;
  }

  of(instance: Instance): Maintenance | undefined {
    return this.#requests.get(maintenanceKey(this.#options.prefixes, instance));
  }

  /** Reads again and again; resolves when aborted, or once etcd denies this user the keys. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.#read(signal))) await sleep(INTERVAL, signal);
  }

  /** Returns whether to read again. */
  async #read(signal: AbortSignal): Promise<boolean> {
    const { store, prefixes, instances } = this.#options;
    const byKey = new Map(instances().map((instance) => [maintenanceKey(prefixes, instance), instance]));
    try {
      const found = await store.read([...byKey.keys()], signal);
      const requests = new Map([...found].map(([key, { value }]) => [key, decodeMaintenance(value)]));
      this.#logChanges(byKey, requests);
      this.#requests = requests;
      return true;
    } catch (error) {
      // The lease session reports an outage of etcd.
      return !(error instanceof EtcdError) || error.retryable;
    }
  }

  #logChanges(instances: ReadonlyMap<string, Instance>, requests: ReadonlyMap<string, Maintenance>): void {
    const { log } = this.#options;
    for (const [key, { service, address }] of instances) {
      const [before, now] = [this.#requests.get(key), requests.get(key)];
      if (now && !before) {
        const fields = { event: 'maintenance-started', service, address, ...now };
        log.info(fields, 'an operator drains this instance: it gets no traffic');
      } else if (before && !now) {
        const fields = { event: 'maintenance-ended', service, address, was: describeMaintenance(before) };
        log.info(fields, 'the operator has ended the drain of this instance');
      }
    }
  }
}
