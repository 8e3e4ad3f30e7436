import { type KeyPrefixes, watcherKey } from '../../core/keys.js';
import type { LeaseSession } from '../lease/session.js';
import type { NginxController } from './nginx-controller.js';

/** What a watcher says of itself in etcd, in the value of its presence key. */
export interface PresenceValue {
  /** The names of the NGINX that it drives. */
  readonly nginx: readonly string[];
  /** The upstream groups, as `http/firmware`, that it drives in any of them. */
  readonly upstreams: readonly string[];
  /** The services that feed these. A sidekick waits for the answers of the watchers that name its service. */
  readonly services: readonly string[];
  /** How many servers the guard holds, by service; those of which it holds none are left out. */
  readonly held: Readonly<Record<string, number>>;
}

/** Says in etcd, under the watcher's lease, what it drives and what its guard holds. */
export class Presence {
  readonly #key: string;
  readonly #drivers: readonly NginxController[];
  readonly #session: LeaseSession;
  readonly #held = new Map<string, number>();
  #published = false;

  constructor(
    prefixes: KeyPrefixes,
    watcherId: string,
    { drivers, session }: { readonly drivers: readonly NginxController[]; readonly session: LeaseSession },
  ) {
    this.#key = watcherKey(prefixes, watcherId);
    this.#drivers = drivers;
    this.#session = session;
  }

  publish(): void {
    this.#published = true;
    const value: PresenceValue = {
      nginx: this.#drivers.map(({ name }) => name),
      upstreams: union(this.#drivers.map(({ upstreams }) => upstreams)),
      services: union(this.#drivers.map(({ services }) => services)),
      held: Object.fromEntries(this.#held),
    };
    this.#session.set(this.#key, JSON.stringify(value));
  }

  /** Publishes where the guard holds more or less of these services than was said. */
  heldMayDiffer(services: readonly string[]): void {
    let differs = false;
    for (const service of services) {
      const held = this.#drivers.reduce((sum, driver) => sum + driver.heldOf(service), 0);
      if (held === (this.#held.get(service) ?? 0)) continue;
      differs = true;
      if (held > 0) this.#held.set(service, held);
      else this.#held.delete(service);
    }
    if (differs && this.#published) this.publish();
  }
}

function union(lists: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(lists.flat())].sort();
}
