import { drainedKey, type Instance, type KeyPrefixes } from '../../core/keys.js';
import type { Registrations } from '../../core/registrations.js';
import type { LeaseSession } from '../lease/session.js';
import type { NginxController } from './nginx-controller.js';

/**
 * The watcher's acknowledgements of drain requests: a key for each instance that every upstream of every NGINX of this
 * watcher has drained, with the revision of the request as its value. It lives as long as the request does.
 */
export class DrainAcks {
  readonly #prefixes: KeyPrefixes;
  readonly #watcherId: string;
  readonly #session: LeaseSession;
  readonly #controllers: readonly NginxController[];
  /** The keys that are set, by service. */
  readonly #given = new Map<string, ReadonlySet<string>>();

  constructor(
    prefixes: KeyPrefixes,
    watcherId: string,
    session: LeaseSession,
    controllers: readonly NginxController[],
  ) {
    this.#prefixes = prefixes;
    this.#watcherId = watcherId;
    this.#session = session;
    this.#controllers = controllers;
  }

  /** Gives and takes back the acknowledgements for one service's instances, as they are due now. */
  update(service: string, registrations: Registrations): void {
    const given = new Set<string>();
    for (const [address, revision] of registrations.drainRequests(service)) {
      if (!this.#isDrained({ service, address }, revision)) continue;
      const key = drainedKey(this.#prefixes, { service, address }, this.#watcherId);
      given.add(key);
      this.#session.set(key, String(revision));
    }
    for (const key of this.#given.get(service) ?? []) if (!given.has(key)) this.#session.unset(key);
    if (given.size > 0) this.#given.set(service, given);
    else this.#given.delete(service);
  }

  /** Whether every NGINX that may send traffic to the instance has drained it, and at least one has. */
  #isDrained(instance: Instance, revision: number): boolean {
    const states = this.#controllers.map((controller) => controller.drainState(instance, revision));
    return states.includes('drained') && states.every((state) => state === 'drained' || state === 'unmapped');
  }
}
