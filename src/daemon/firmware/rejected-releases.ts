import type { Log, Meter } from '../../core/ports.js';
import type { TypeState } from '../../firmware/type-state.js';
import { MAX_TYPES } from './rollout-metrics.js';

/** Logs the releases that are rejected, each once for each reason, and shows how many there are of each type. */
export class RejectedReleases {
  readonly #log: Log;
  readonly #meter: Meter;
  #known: ReadonlySet<string> = new Set();
  /** The types that metrics show. */
  #shown: ReadonlySet<string> = new Set();

  constructor({ log, meter }: { readonly log: Log; readonly meter: Meter }) {
    this.#log = log;
    this.#meter = meter;
  }

  /** @param types As `acceptReleases` has left them. */
  report(types: Iterable<TypeState>): void {
    const all = [...types].filter(({ rejected }) => rejected.size > 0);
    this.#warn(all);
    this.#show(all);
  }

  #warn(types: readonly TypeState[]): void {
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

  #show(types: readonly TypeState[]): void {
    const shown = types.toSorted((a, b) => (a.type < b.type ? -1 : 1)).slice(0, MAX_TYPES);
    const before = this.#shown;
    this.#shown = new Set(shown.map(({ type }) => type));
    for (const { type, rejected } of shown)
      this.#meter.gauge('sidekick_rejected_releases', rejected.size, { type });
    for (const type of before)
      if (!this.#shown.has(type)) this.#meter.remove('sidekick_rejected_releases', { type });
  }
}
