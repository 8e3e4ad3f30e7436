import type { Log } from '../../core/ports.js';
import type { TypeState } from '../../firmware/type-state.js';

/** Logs the releases that are rejected, each once for each reason. */
export class RejectedReleases {
  readonly #log: Log;
  #known: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param types As `acceptReleases` has left them. */
  report(types: Iterable<TypeState>): void {
    const found = new Set<string>();
    for (const { type, rejected } of types) {
      for (const [version, { reason }] of rejected) {
        const key = `${type} ${version} ${reason}`;
        found.add(key);
        if (this.#known.has(key)) continue;
        const fields = { event: 'firmware-rejected', type, version, reason };
        this.#log.warn(fields, 'a release is neither fetched nor offered');
      }
    }
    this.#known = found;
  }
}
