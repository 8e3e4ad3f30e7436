import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  API_TOKEN,
  API_TOKEN_FILE,
  type Backend,
  freePort,
  type Parts,
  startFirmware,
  startParts,
} from '../../support/containers/index.js';
import { type Cli, start } from './cli.js';

interface Running {
  readonly cli: Cli;
  readonly admin: string;
}

/** etcd, a gateway and a firmware server in containers, for a watcher and a registrar that run here as programs. */
export class Lab {
  /** For files; empty at first. */
  readonly directory: string;
  readonly parts: Parts & { readonly firmware: Backend };

  private constructor(parts: Lab['parts'], directory: string) {
    this.parts = parts;
    this.directory = directory;
  }

  static async start(): Promise<Lab> {
    const parts = await startParts(async (network) => ({ firmware: await startFirmware(network, 1) }));
    return new Lab(parts, await mkdtemp(join(tmpdir(), 'sidekick-cli-')));
  }

  async remove(): Promise<void> {
    await this.parts.network.remove();
    await rm(this.directory, { recursive: true });
  }

  /** Removes what an earlier test left in etcd and in NGINX. */
  async clear(): Promise<void> {
    const { etcd, gateway } = this.parts;
    await etcd.delete('/services/');
    await etcd.delete('/sidekick/');
    for (const { id } of await gateway.servers('http', 'firmware')) {
      await fetch(`${gateway.api}/9/http/upstreams/firmware/servers/${id}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${API_TOKEN}` },
      });
    }
  }

  async watch(...more: string[]): Promise<Running> {
    const { etcd, gateway } = this.parts;
    const port = await freePort();
    const cli = start([
      ...['watch', '--id', 'w1', '--etcd-endpoints', etcd.url, '--nginx-api', gateway.api],
      ...['--nginx-token-file', API_TOKEN_FILE],
      ...['--admin-listen', `127.0.0.1:${port}`, ...more],
    ]);
    return { cli, admin: `http://127.0.0.1:${port}` };
  }

  async register(...more: string[]): Promise<Running> {
    const { etcd, firmware } = this.parts;
    const port = await freePort();
    const cli = start([
      ...['register', '--service', 'firmware', '--address', firmware.address, '--etcd-endpoints', etcd.url],
      ...['--admin-listen', `127.0.0.1:${port}`, '--probe-type', 'http', '--probe-path', '/healthz', ...more],
    ]);
    return { cli, admin: `http://127.0.0.1:${port}` };
  }
}
