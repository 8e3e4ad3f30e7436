import type { Address } from '../../core/address.js';

/** The passes over some addresses that are under way. No two of them are over one address. */
export class FastPasses {
  readonly #addresses = new Set<Address>();
  readonly #passes = new Set<Promise<void>>();
  #defect: { readonly error: unknown } | undefined;

  /** The addresses that they are over. */
  get addresses(): ReadonlySet<Address> {
    return this.#addresses;
  }

  /** Takes out of `changed` the addresses that no pass is under way for, and returns them. */
  begin(changed: Set<Address>): ReadonlySet<Address> {
    const ready = new Set([...changed].filter((address) => !this.#addresses.has(address)));
    for (const address of ready) changed.delete(address);
    return ready;
  }

  /** A pass over these addresses has begun. @param ended Called when it has ended, however it did. */
  add(pass: Promise<void>, addresses: ReadonlySet<Address>, ended: () => void): void {
    for (const address of addresses) this.#addresses.add(address);
    const tracked = pass
      .catch((error: unknown) => {
        this.#defect ??= { error };
      })
      .finally(() => {
        this.#passes.delete(tracked);
        for (const address of addresses) this.#addresses.delete(address);
        ended();
      });
    this.#passes.add(tracked);
  }

  /** Resolves when none is under way. Rejects with the error of one that failed, once. */
  async ended(): Promise<void> {
    await Promise.all(this.#passes);
    this.throwDefect();
  }

  /** Throws the error of a pass that failed, once. */
  throwDefect(): void {
    const defect = this.#defect;
    this.#defect = undefined;
    if (defect) throw defect.error;
  }
}
