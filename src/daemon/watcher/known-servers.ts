import type { Address } from '../../core/address.js';
import { type ActualServers, byAddress, type Call, isOut } from '../../core/plan.js';
import type { ActualServer, UpstreamState } from '../../core/ports.js';
import type { Kind } from '../../core/upstream.js';

/**
 * The servers of one upstream: as NGINX showed them when they were last read, kept current from its answers to the
 * watcher's own calls. What others change shows at the next read, and so do `active` and `failing`.
 */
export class KnownServers {
  readonly #kind: Kind;
  readonly #servers: Map<Address, readonly ActualServer[]>;
  /** The addresses at which a server is out of rotation. */
  readonly #out = new Set<Address>();
  readonly #unmanaged: number;
  #size: number;

  constructor(kind: Kind, { servers, unmanaged }: UpstreamState) {
    this.#kind = kind;
    this.#servers = byAddress(servers);
    this.#unmanaged = unmanaged;
    this.#size = servers.length;
    for (const server of servers) if (isOut(server)) this.#out.add(server.address);
  }

  get byAddress(): ActualServers {
    return this.#servers;
  }

  /** The addresses at which NGINX sends a server nothing new. */
  get out(): ReadonlySet<Address> {
    return this.#out;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** How many servers of the group are not sidekick's. */
  get unmanaged(): number {
    return this.#unmanaged;
  }

  *[Symbol.iterator](): Iterator<ActualServer> {
    for (const servers of this.#servers.values()) yield* servers;
  }

  /** NGINX has added a server. */
  added(server: ActualServer): void {
    this.#set(server.address, [...this.#get(server.address), server]);
  }

  /** At these addresses, what `other` has counts. Its counters are from another time and are left out. */
  takeOver(addresses: Iterable<Address>, other: KnownServers): void {
    for (const address of addresses) this.#set(address, other.#get(address).map(withoutCounters));
  }

  /** NGINX has done what an action by id asked for. */
  done(action: Exclude<Call, { type: 'add' }>): void {
    const servers = this.#get(action.address);
    if (action.type === 'remove') {
      this.#set(
        action.address,
        servers.filter(({ id }) => id !== action.id),
      );
    } else {
      this.#set(
        action.address,
        servers.map((server) => (server.id === action.id ? this.#changed(server, action) : server)),
      );
    }
  }

  /** NGINX ends its `drain` when `down` is set, to either value. A stream server is drained with `down`. */
  #changed(server: ActualServer, action: Extract<Call, { type: 'update' | 'drain' }>): ActualServer {
    if (action.type === 'update') {
      const draining = action.changes.down === undefined && server.draining;
      return { ...server, draining, parameters: { ...server.parameters, ...action.changes } };
    }
    if (this.#kind === 'http') return { ...server, draining: true };
    return { ...server, parameters: { ...server.parameters, down: true } };
  }

  #get(address: Address): readonly ActualServer[] {
    return this.#servers.get(address) ?? [];
  }

  #set(address: Address, servers: readonly ActualServer[]): void {
    this.#size += servers.length - this.#get(address).length;
    if (servers.length > 0) this.#servers.set(address, servers);
    else this.#servers.delete(address);
    if (servers.some(isOut)) this.#out.add(address);
    else this.#out.delete(address);
  }
}

function withoutCounters({ id, address, parameters, draining }: ActualServer): ActualServer {
  return { id, address, parameters, draining, failing: false };
}
