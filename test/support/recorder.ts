/** A listener that keeps a copy of all that it is shown, and can be waited on. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RegistryListener, RegistrySnapshot } from '../../src/core/ports.js';

export class Recorder implements RegistryListener {
  readonly views: RegistrySnapshot[] = [];
  readonly outages: Error[] = [];
  #wake: () => void = () => undefined;

  get last(): RegistrySnapshot | undefined {
    return this.views.at(-1);
  }

  onSnapshot(view: RegistrySnapshot): void {
    this.views.push({ ...view, entries: new Map(view.entries) });
    this.#wake();
  }

  onUnavailable(error: Error): void {
    this.outages.push(error);
    this.#wake();
  }

  /** Resolves once the last view's keys and values are these. */
  async has(expected: Readonly<Record<string, string>>): Promise<void> {
    const wanted = text(Object.entries(expected));
    await this.#until(
      () => this.last !== undefined && text(values(this.last)) === wanted,
      () => `expected ${wanted}, last seen ${this.last ? text(values(this.last)) : 'nothing'}`,
    );
  }

  /** Resolves once so many outages were reported. */
  async isAway(times: number): Promise<void> {
    await this.#until(
      () => this.outages.length >= times,
      () => `expected ${times} outages, seen ${this.outages.length}`,
    );
  }

  async #until(condition: () => boolean, failure: () => string): Promise<void> {
    const hang = new AbortController();
    const limit = delay(30_000, 'late' as const, { signal: hang.signal }).catch(() => 'done' as const);
    while (!condition()) {
      const woken = new Promise<'woken'>((resolve) => {
        this.#wake = () => resolve('woken');
      });
      if ((await Promise.race([woken, limit])) === 'late') throw new Error(failure());
    }
    hang.abort();
  }
}

function values(view: RegistrySnapshot): [string, string][] {
  return [...view.entries.values()].map(({ key, value }) => [key, value]);
}

function text(pairs: [string, string][]): string {
  return JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}
