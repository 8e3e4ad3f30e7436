/** The keyval zones of an NGINX in memory. */
import { NginxError } from '../../src/core/errors.js';
import type { KeyvalApi } from '../../src/core/ports.js';

export class FakeKeyvals implements KeyvalApi {
  readonly zones = new Map<string, Map<string, string>>();
  /** Every change in order: `set <key>`, `remove <key>`. */
  readonly changes: string[] = [];
  /** What every call rejects with. */
  fault: NginxError | undefined;

  constructor(...zones: readonly string[]) {
    for (const zone of zones) this.zones.set(zone, new Map());
  }

  async keyvals(zone: string): Promise<ReadonlyMap<string, string> | undefined> {
    await this.#answer();
    const pairs = this.zones.get(zone);
    return pairs && new Map(pairs);
  }

  async setKeyval(zone: string, key: string, value: string): Promise<void> {
    await this.#answer();
    this.#zone(zone).set(key, value);
    this.changes.push(`set ${key}`);
  }

  async removeKeyval(zone: string, key: string): Promise<void> {
    await this.#answer();
    this.#zone(zone).delete(key);
    this.changes.push(`remove ${key}`);
  }

  #zone(name: string): Map<string, string> {
    const zone = this.zones.get(name);
    if (zone === undefined) throw new NginxError('KeyvalNotFound', 'keyval not found', { status: 404 });
    return zone;
  }

  async #answer(): Promise<void> {
    await Promise.resolve();
    if (this.fault) throw this.fault;
  }
}
