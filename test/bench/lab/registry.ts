/** The harness's own access to etcd. */
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { type Instance, keyOf, SERVICES } from './layout.js';

/** etcd takes at most 128 operations in a transaction. */
const BATCH = 100;

function batches<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, nth) =>
    items.slice(nth * BATCH, (nth + 1) * BATCH),
  );
}

export class Registry implements Disposable {
  readonly client: Etcd3;

  constructor(url: string) {
    // A refusal of an etcd that is overloaded on purpose is no reason to refuse further calls.
    this.client = new Etcd3({ hosts: url, faultHandling: { global: noop, host: () => noop } });
  }

  /** Registers one instance; its value is what a registration with all defaults holds. */
  async put(instance: Instance, value = '{}'): Promise<void> {
    await this.client.put(keyOf(instance)).value(value);
  }

  async putAll(instances: readonly Instance[], value = '{}'): Promise<void> {
    for (const batch of batches(instances)) {
      const puts = batch.map((instance) => this.client.put(keyOf(instance)).value(value));
      await this.client
        .if(SERVICES, 'Version', '==', 0)
        .then(...puts)
        .commit();
    }
  }

  async deleteAll(instances: readonly Instance[]): Promise<void> {
    for (const batch of batches(instances)) {
      const deletions = batch.map((instance) => this.client.delete().key(keyOf(instance)));
      await this.client
        .if(SERVICES, 'Version', '==', 0)
        .then(...deletions)
        .commit();
    }
  }

  async clear(): Promise<void> {
    await this.client.delete().all();
  }

  [Symbol.dispose](): void {
    this.client.close();
  }
}
