/** Looks at a registration all the time, and knows when it was right. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EtcdConnection } from '../../src/adapters/etcd/connect.js';
import type { KeyValue } from '../../src/core/ports.js';

const INTERVAL = 50;

export interface Look {
  readonly at: number;
  /** What etcd answered: the entry, none, or nothing at all. */
  readonly found: KeyValue | 'missing' | 'no answer';
}

export class Witness {
  readonly looks: Look[] = [];
  readonly #etcd: EtcdConnection;
  readonly #key: string;

  constructor(etcd: EtcdConnection, key: string) {
    this.#etcd = etcd;
    this.#key = key;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.looks.push({ at: Date.now(), found: await this.#look(signal) });
      await delay(INTERVAL, undefined, { signal }).catch(() => undefined);
    }
  }

  /** The looks that began at or after a time. */
  since(time: number): Look[] {
    return this.looks.filter(({ at }) => at >= time);
  }

  async #look(signal: AbortSignal): Promise<Look['found']> {
    try {
      const entries = await this.#etcd.store.read([this.#key], signal);
      return entries.get(this.#key) ?? 'missing';
    } catch {
      return 'no answer';
    }
  }
}
