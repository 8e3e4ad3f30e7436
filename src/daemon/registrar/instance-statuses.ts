import { parseAddress } from '../../core/address.js';
import { instanceStatusKey, type KeyPrefixes } from '../../core/keys.js';
import type { WallClock } from '../../core/ports.js';
import { encodeInstance } from '../../core/published-status.js';
import type { ServiceStatus } from './status.js';

/** What a registrar publishes of its instances, each with the time since when it has been as it is. */
export class InstanceStatuses {
  readonly #prefixes: KeyPrefixes;
  readonly #version: string;
  readonly #wallClock: WallClock;
  /** Each key's state, and since when it is that. */
  #since = new Map<string, { readonly state: string; readonly at: number }>();

  constructor(prefixes: KeyPrefixes, version: string, wallClock: WallClock) {
    this.#prefixes = prefixes;
    this.#version = version;
    this.#wallClock = wallClock;
  }

  /** The keys and values. An instance that a newer process holds is that one's to tell of. */
  of(services: readonly ServiceStatus[]): ReadonlyMap<string, string> {
    const values = new Map<string, string>();
    const since = new Map<string, { readonly state: string; readonly at: number }>();
    for (const { service, address: spelled, health, key: registered, reason } of services) {
      const address = parseAddress(spelled);
      if (!address.ok || registered === 'superseded') continue;
      const key = instanceStatusKey(this.#prefixes, { service, address: address.value });
      const state = `${health} ${registered}`;
      const before = this.#since.get(key);
      const at = before?.state === state ? before.at : this.#wallClock();
      since.set(key, { state, at });
      const said = { health, since: at, key: registered, version: this.#version };
      values.set(key, encodeInstance(reason === undefined ? said : { ...said, reason }));
    }
    this.#since = since;
    return values;
  }
}
