import type { Address } from '../../core/address.js';

/** Since when changes in etcd wait for NGINX's answer. Times are milliseconds by the monotonic clock. */
export class PropagationClock {
  readonly #since = new Map<Address, number>();

  /** These addresses have changed in etcd. One that waits already waits since its first change. */
  changed(addresses: Iterable<Address>, now: number): void {
    for (const address of addresses) if (!this.#since.has(address)) this.#since.set(address, now);
  }

  /** NGINX has changed a server. Returns how long that took since the change in etcd; undefined if there was none. */
  answered(address: Address, now: number): number | undefined {
    const since = this.#since.get(address);
    this.#since.delete(address);
    return since === undefined ? undefined : now - since;
  }

  /** NGINX is as etcd wants it at these addresses, by default at all: nothing waits. */
  settled(addresses: Iterable<Address> = this.#since.keys()): void {
    for (const address of addresses) this.#since.delete(address);
  }
}
