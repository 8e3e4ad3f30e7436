/** The keyval zones of an NGINX in memory. */
import { sleep } from '../../src/async/sleep.js';
import { NginxError } from '../../src/core/errors.js';
import type { KeyvalApi } from '../../src/core/ports.js';

export class FakeKeyvals implements KeyvalApi {
  readonly zones = new Map<string, Map<string, string>>();
  /** Every change in order: `set <key>`, `remove <key>`. */
  readonly changes: string[] = [];
  /** How long every call takes, in ms. */
  latency = 0;
  /** What every call rejects with. */
  fault: NginxError | undefined;

  constructor(...zones: readonly string[]) {
    for (const zone of zones) this.zones.set(zone, new Map());
  }

  async keyvals(zone: string, signal: AbortSignal): Promise<ReadonlyMap<string, string> | undefined> {
    await this.#answer(signal);
    const pairs = this.zones.get(zone);
    return pairs && new Map(pairs);
  }

  async setKeyval(zone: string, key: string, value: string, signal: AbortSignal): Promise<void> {
    await this.#answer(signal);
    this.#zone(zone).set(key, value);
    this.changes.push(`set ${key}`);
  }

  async removeKeyval(zone: string, key: string, signal: AbortSignal): Promise<void> {
    await this.#answer(signal);
    this.#zone(zone).delete(key);
    this.changes.push(`remove ${key}`);
  }

  #zone(name: string): Map<string, string> {
    const zone = this.zones.get(name);
    if (zone === undefined) throw new NginxError('KeyvalNotFound', 'keyval not found', { status: 404 });
    return zone;
  }

  async #answer(signal: AbortSignal): Promise<void> {
    await (this.latency === 0 ? Promise.resolve() : sleep(this.latency, signal));
    if (this.fault) throw this.fault;
  }
}
