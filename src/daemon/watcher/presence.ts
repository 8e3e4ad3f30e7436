import { type KeyPrefixes, watcherKey } from '../../core/keys.js';
import type { LeaseSession } from '../lease/session.js';
import type { NginxController } from './nginx-controller.js';

/** What a watcher says of itself in etcd, in the value of its presence key. */
interface PresenceValue {
  /** The names of the NGINX that it keeps in sync. */
  readonly nginx: readonly string[];
  /** The upstream groups, as `http/firmware`, that it keeps in sync in any of them. */
  readonly upstreams: readonly string[];
  /** The services that feed these. A registrar waits for the acknowledgements of the watchers that name its service. */
  readonly services: readonly string[];
  /** How many servers the guard holds, by service; those of which it holds none are left out. */
  readonly held: Readonly<Record<string, number>>;
}

/** Keeps the watcher's presence key in etcd, under its lease: what it keeps in sync and what its guard holds. */
export class Presence {
  readonly #key: string;
  readonly #controllers: readonly NginxController[];
  readonly #session: LeaseSession;
  readonly #held = new Map<string, number>();
  #published = false;

  constructor(
    prefixes: KeyPrefixes,
    watcherId: string,
    {
      controllers,
      session,
    }: { readonly controllers: readonly NginxController[]; readonly session: LeaseSession },
  ) {
    this.#key = watcherKey(prefixes, watcherId);
    this.#controllers = controllers;
    this.#session = session;
  }

  publish(): void {
    this.#published = true;
    const value: PresenceValue = {
      nginx: this.#controllers.map(({ name }) => name),
      upstreams: union(this.#controllers.map(({ upstreams }) => upstreams)),
      services: union(this.#controllers.map(({ services }) => services)),
      held: Object.fromEntries(this.#held),
    };
    this.#session.set(this.#key, JSON.stringify(value));
  }

  /** Publishes where the guard holds more or fewer servers of these services than was published. */
  heldMayDiffer(services: readonly string[]): void {
    let differs = false;
    for (const service of services) {
      const held = this.#controllers.reduce((sum, controller) => sum + controller.heldOf(service), 0);
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
