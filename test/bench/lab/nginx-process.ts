/**
 * The NGINX Plus API in a process of its own, so that it costs the same for whoever is measured. It notes when each
 * server was added.
 */
import type { Address } from '../../../src/core/address.js';
import { FakeNginx } from '../../support/fake-nginx.js';
import { NginxApiServer } from '../../support/nginx-api-server.js';
import { now } from '../clock.js';
import { instancesOf, type Layout, servicesOf } from './layout.js';
import type { Arrival, NginxReport, NginxRequest } from './nginx-messages.js';

/** When servers were added first, and who waits for that. */
class Arrivals {
  readonly #times = new Map<string, number>();
  readonly #missing = new Set<string>();
  #complete: () => void = () => {};

  note(address: string): void {
    if (!this.#times.has(address)) this.#times.set(address, now());
    if (this.#missing.delete(address) && this.#missing.size === 0) this.#complete();
  }

  async wait(addresses: readonly string[], timeout: number): Promise<readonly Arrival[]> {
    for (const address of addresses) if (!this.#times.has(address)) this.#missing.add(address);
    if (this.#missing.size > 0) await this.#completed(timeout);
    this.#missing.clear();
    return addresses.map((address) => this.#times.get(address) ?? null);
  }

  #completed(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeout);
      this.#complete = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

class Nginx {
  readonly arrivals = new Arrivals();

  private constructor(
    readonly fake: FakeNginx,
    readonly server: NginxApiServer,
  ) {
    fake.changed = (_ref, { method, address }) => {
      if (method === 'add' && address !== undefined) this.arrivals.note(address);
      // The fake remembers every call for its tests; a benchmark makes too many.
      fake.calls.length = 0;
    };
  }

  static async start(layout: Layout, filled: boolean): Promise<Nginx> {
    const fake = new FakeNginx({ http: servicesOf(layout) });
    for (const { service, address } of filled ? instancesOf(layout) : []) {
      fake.place({ kind: 'http', name: service }, address as Address);
    }
    return new Nginx(fake, await NginxApiServer.start(fake));
  }

  report(): NginxReport {
    const servers = this.fake.groups().flatMap((ref) => this.fake.servers(ref));
    return {
      url: this.server.url,
      connections: this.server.connections,
      requests: Object.fromEntries(this.server.requests),
      servers: servers.length,
      outOfRotation: servers.filter(({ draining, parameters }) => draining || parameters.down).length,
    };
  }
}

let nginx = await Nginx.start({ groups: 0, servers: 0 }, false);

async function answer(request: NginxRequest): Promise<NginxReport | readonly Arrival[]> {
  if (request.kind === 'wait') return nginx.arrivals.wait(request.addresses, request.timeout);
  if (request.kind === 'reset') {
    await nginx.server[Symbol.asyncDispose]();
    nginx = await Nginx.start(request.layout, request.filled);
  }
  return nginx.report();
}

process.on('message', (request: NginxRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
