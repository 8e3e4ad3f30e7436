import { sleep } from '../../async/sleep.js';
import { EtcdError } from '../../core/errors.js';
import { type Instance, type KeyPrefixes, maintenanceKey } from '../../core/keys.js';
import { decodeMaintenance, describeMaintenance, type Maintenance } from '../../core/maintenance.js';
import type { Log, RegistryClient } from '../../core/ports.js';

/** How often it is looked whether an operator has taken an own instance out, in ms. */
const INTERVAL = 10_000;

export interface MaintenanceTrackerOptions {
  readonly store: RegistryClient;
  readonly space: KeyPrefixes;
  readonly log: Log;
  /** What is registered by this process. */
  readonly instances: () => readonly Instance[];
}

/**
 * What operators have asked of this process's own instances, for its status: a registrar keeps registering an instance
 * that is drained, and whoever wonders why it gets no traffic looks here. Nothing depends on it.
 */
export class MaintenanceTracker {
  readonly #options: MaintenanceTrackerOptions;
  #requests: ReadonlyMap<string, Maintenance> = new Map();

  constructor(options: MaintenanceTrackerOptions) {
    this.#options = options;
  }

  of(instance: Instance): Maintenance | undefined {
    return this.#requests.get(maintenanceKey(this.#options.space, instance));
  }

  /** Looks again and again until aborted, or until etcd says that this user may not. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.#look(signal))) await sleep(INTERVAL, signal);
  }

  /** Whether it is worth looking again. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { store, space, instances } = this.#options;
    const byKey = new Map(instances().map((instance) => [maintenanceKey(space, instance), instance]));
    try {
      const found = await store.read([...byKey.keys()], signal);
      const requests = new Map([...found].map(([key, { value }]) => [key, decodeMaintenance(value)]));
      this.#say(byKey, requests);
      this.#requests = requests;
      return true;
    } catch (error) {
      // An etcd that is away is told by those who need it.
      return !(error instanceof EtcdError) || error.retryable;
    }
  }

  #say(instances: ReadonlyMap<string, Instance>, requests: ReadonlyMap<string, Maintenance>): void {
    const { log } = this.#options;
    for (const [key, { service, address }] of instances) {
      const [before, now] = [this.#requests.get(key), requests.get(key)];
      if (now && !before) {
        const fields = { event: 'maintenance-started', service, address, ...now };
        log.info(fields, 'an operator has this instance drained: it gets no traffic');
      } else if (before && !now) {
        const fields = { event: 'maintenance-ended', service, address, was: describeMaintenance(before) };
        log.info(fields, 'the operator lets this instance back in');
      }
    }
  }
}
