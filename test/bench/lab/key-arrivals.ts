/** When keys come to etcd. */
import type { IKeyValue, Watcher } from 'etcd3';
import { now } from '../clock.js';
import { SERVICES } from './layout.js';
import type { Registry } from './registry.js';

/** Notes every put under `/services/` from its start on. */
export class KeyArrivals implements AsyncDisposable {
  readonly #times = new Map<string, number>();
  readonly #watcher: Watcher;
  #arrived: () => void = () => {};

  private constructor(watcher: Watcher) {
    this.#watcher = watcher;
    watcher.on('put', ({ key }: IKeyValue) => {
      if (!this.#times.has(String(key))) this.#times.set(String(key), now());
      this.#arrived();
    });
  }

  static async start({ client }: Registry): Promise<KeyArrivals> {
    return new KeyArrivals(await client.watch().prefix(SERVICES).create());
  }

  /** Resolves with the time of the last arrival, in ms by the machine's monotonic clock, once there are so many keys. */
  async keys(count: number): Promise<number> {
    while (this.#times.size < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    return Math.max(...this.#times.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher.cancel();
  }
}
