import type { Address } from '../../core/address.js';
import type { KnownServers } from './known-servers.js';

/**
 * A read of a whole group while the fast path goes on. What was read of an address that the fast path calls for meanwhile
 * may be from before that call or from after it. There, what was known without the read counts, and the read proves nothing.
 */
export class GroupRead {
  readonly #servers: Promise<KnownServers>;
  readonly #called: Set<Address>;
  #hasEnded = false;

  /**
   * @param servers The read, which has begun.
   * @param called The addresses that the fast path calls for when it begins.
   * @param ended Called when the read has ended, however it did.
   */
  constructor(servers: Promise<KnownServers>, called: Iterable<Address>, ended: () => void) {
    this.#servers = servers;
    this.#called = new Set(called);
    const end = () => {
      this.#hasEnded = true;
      ended();
    };
    servers.then(end, end);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The addresses that the fast path has called for since the read began. */
  get called(): ReadonlySet<Address> {
    return this.#called;
  }

  /** The fast path calls for these addresses. */
  fastPassBegins(addresses: Iterable<Address>): void {
    for (const address of addresses) this.#called.add(address);
  }

  /** Resolves when the read has ended, however it did. */
  async ended(): Promise<void> {
    await Promise.allSettled([this.#servers]);
  }

  /**
   * What NGINX has. Rejects where it could not be read.
   * @param known What was known without the read.
   */
  async servers(known: KnownServers | undefined): Promise<KnownServers> {
    const servers = await this.#servers;
    if (known) servers.takeOver(this.#called, known);
    return servers;
  }
}
