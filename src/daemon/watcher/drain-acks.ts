import { drainRevision } from '../../core/desired.js';
import { drainedKey, type KeyPrefixes } from '../../core/keys.js';
import type { Registrations } from '../../core/registrations.js';
import type { LeaseSession } from '../lease/session.js';
import type { NginxController } from './nginx-controller.js';

/**
 * The watcher's answers to requests to drain: a key for each instance that every upstream of every NGINX of this watcher
 * has out, with the revision of the request as its value. It lives as long as the request does.
 */
export class DrainAcks {
  readonly #prefixes: KeyPrefixes;
  readonly #watcherId: string;
  readonly #session: LeaseSession;
  readonly #drivers: readonly NginxController[];
  /** The keys set, by service. */
  readonly #given = new Map<string, ReadonlySet<string>>();

  constructor(
    prefixes: KeyPrefixes,
    watcherId: string,
    session: LeaseSession,
    drivers: readonly NginxController[],
  ) {
    this.#prefixes = prefixes;
    this.#watcherId = watcherId;
    this.#session = session;
    this.#drivers = drivers;
  }

  /** Gives and takes back the answers about one service's instances, as they stand now. */
  update(service: string, registrations: Registrations): void {
    const given = new Set<string>();
    for (const [address, record] of registrations.get(service)) {
      const revision = drainRevision(record);
      if (revision === undefined) continue;
      const workers = this.#drivers.map((driver) => driver.fedBy(service));
      // An NGINX that has never answered may send traffic there, for all that is known.
      if (workers.some((fed) => fed === undefined)) continue;
      const all = workers.flatMap((fed) => fed ?? []);
      if (all.length === 0 || !all.every((worker) => worker.isOut(address, revision))) continue;
      const key = drainedKey(this.#prefixes, { service, address }, this.#watcherId);
      given.add(key);
      this.#session.set(key, String(revision));
    }
    for (const key of this.#given.get(service) ?? []) if (!given.has(key)) this.#session.unset(key);
    if (given.size > 0) this.#given.set(service, given);
    else this.#given.delete(service);
  }
}
