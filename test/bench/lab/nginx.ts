/** The harness's side of the process that answers the NGINX Plus API. */
import { Companion } from '../host/companion.js';
import type { Layout } from './layout.js';
import type { Arrival, NginxReport, NginxRequest } from './nginx-messages.js';

const TIMEOUT = 60_000;

export class Nginx implements AsyncDisposable {
  readonly #process: Companion<NginxRequest>;
  #url = '';

  private constructor(companion: Companion<NginxRequest>) {
    this.#process = companion;
  }

  static async start(): Promise<Nginx> {
    return new Nginx(await Companion.start(new URL('./nginx-process.ts', import.meta.url)));
  }

  /** The root of the API, without a version; another one after each reset. */
  get url(): string {
    return this.#url;
  }

  async reset(layout: Layout, filled: boolean): Promise<void> {
    const { url } = await this.#process.ask<NginxReport>({ kind: 'reset', layout, filled });
    this.#url = url;
  }

  report(): Promise<NginxReport> {
    return this.#process.ask({ kind: 'report' });
  }

  /** When each of these servers was added first; rejects when some were not after `timeout` ms (default 60,000). */
  async added(addresses: readonly string[], timeout = TIMEOUT): Promise<readonly number[]> {
    const arrivals = await this.#arrivals(addresses, timeout);
    const times = arrivals.filter((time) => time !== null);
    if (times.length < addresses.length)
      throw new Error(`of ${addresses.length} servers ${times.length} were added within ${timeout} ms`);
    return times;
  }

  /** Whether this server was added, or is within `timeout` ms. */
  async hasAdded(address: string, timeout: number): Promise<boolean> {
    const [arrival] = await this.#arrivals([address], timeout);
    return typeof arrival === 'number';
  }

  #arrivals(addresses: readonly string[], timeout: number): Promise<readonly Arrival[]> {
    return this.#process.ask({ kind: 'wait', addresses, timeout });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
