/** A host with a firmware server and its sidekick: two containers that share an address and a directory. */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NEVER } from '../../../src/async/abort.js';
import type { RegistryClient } from '../../../src/core/ports.js';
import type { Authority } from '../certificates.js';
import {
  type Container,
  type Sidekick,
  startContainer,
  startSidekick,
  type TestNetwork,
  until,
} from '../containers/index.js';

const PORT = 8080;
const UPLOAD_PORT = 8443;
const FILES = '/srv/firmware/blobs';
const OWN = '/etc/firmware/upload';

/** Takes uploads at every firmware server. */
export const UPLOAD_TOKEN = 'a-token-of-twenty-one';

/** What a host of firmware works with. */
export interface HostDependencies {
  readonly network: TestNetwork;
  /** As its sidekick is told of them. */
  readonly etcdEndpoints: string;
  /** The same etcd, for whoever looks from outside. */
  readonly store: RegistryClient;
  readonly authority: Authority;
  /** Downloads that it carries at a time. */
  readonly slots: number;
}

export class FirmwareHost {
  readonly name: string;
  readonly #server: Container;
  readonly #sidekick: Sidekick;
  readonly #store: RegistryClient;
  readonly #directory: string;
  /** The files that it had when it last lost them. */
  #lost: readonly string[] = [];

  private constructor(server: Container, sidekick: Sidekick, store: RegistryClient, directory: string) {
    this.name = server.name;
    this.#server = server;
    this.#sidekick = sidekick;
    this.#store = store;
    this.#directory = directory;
  }

  /** Starts one with an empty disk. It is not waited for until it is registered. */
  static async start(
    name: string,
    { network, etcdEndpoints, store, authority, slots }: HostDependencies,
  ): Promise<FirmwareHost> {
    const directory = mkdtempSync(path.join(tmpdir(), `${name}-`));
    // The server and the sidekick are two users, of whom this machine knows neither.
    chmodSync(directory, 0o777);
    const { cert, key } = authority.issue('firmware');
    const server = await startContainer({
      image: 'sidekick-firmware',
      name,
      network,
      binds: { [FILES]: directory },
      files: {
        [`${OWN}/tls.crt`]: cert.toString(),
        [`${OWN}/tls.key`]: key.toString(),
        [`${OWN}/token`]: `${UPLOAD_TOKEN}\n`,
      },
      ports: [PORT, UPLOAD_PORT],
      ready: (self) =>
        until(`${name} answers`, async () => (await fetch(`http://127.0.0.1:${self.port(PORT)}/healthz`)).ok),
    });
    const sidekick = await startSidekick(network, {
      name: `${name}-sidekick`,
      beside: server,
      binds: { [FILES]: directory },
      args: [
        ...[
          'register',
          '--service',
          'firmware',
          '--address',
          `auto:${PORT}`,
          '--etcd-endpoints',
          etcdEndpoints,
        ],
        ...['--probe-type', 'http', '--probe-path', '/healthz', '--probe-interval', '500ms'],
        ...['--firmware-directory', FILES, '--drain-timeout', '10s'],
        ...['--firmware-slots', String(slots)],
      ],
    });
    return new FirmwareHost(server, sidekick, store, directory);
  }

  get address(): string {
    return `${this.#server.ip}:${PORT}`;
  }

  get uploadUrl(): string {
    return `https://localhost:${this.#server.port(UPLOAD_PORT)}`;
  }

  async isRegistered(): Promise<boolean> {
    return (await this.#store.list(`/services/firmware/${this.address}`, NEVER)).length > 0;
  }

  async registered(): Promise<void> {
    await until(`${this.name} is registered`, () => this.isRegistered(), { timeoutMs: 300_000 });
  }

  /** Leaves as a host does that is shut down: it is drained, and then ends. */
  async leave(): Promise<void> {
    await this.#sidekick.container.stop(30);
    await this.#server.stop(10);
  }

  /** Loses its power. */
  async kill(): Promise<void> {
    await Promise.all([this.#sidekick.container.kill(), this.#server.kill()]);
  }

  /** Comes back after `leave` or `kill`, with what is on its disk. */
  async start(): Promise<void> {
    await this.#server.start();
    await this.#sidekick.container.start();
  }

  /** Ends the sidekick alone without warning, and starts it again. */
  async restartSidekick(): Promise<void> {
    await this.#sidekick.container.kill();
    await this.#sidekick.container.start();
  }

  /** Freezes the server: it takes connections, and does not answer. The sidekick sees it. */
  async freeze(): Promise<void> {
    await this.#server.pause();
  }

  async thaw(): Promise<void> {
    await this.#server.unpause();
  }

  /** Resolves when it has every file again that it lost. Until then a loss at the others may be that of the last copy. */
  async restored(): Promise<void> {
    const lacking = () => {
      const files = this.#files();
      return this.#lost.filter((name) => !files.includes(name));
    };
    await until(`${this.name} has its files again`, () => lacking().length === 0, { timeoutMs: 300_000 });
  }

  #files(): readonly string[] {
    return readdirSync(this.#directory).filter((name) => name.endsWith('.bin'));
  }

  /** Deletes every file, while all runs on. */
  async wipe(): Promise<void> {
    this.#lost = this.#files();
    await this.#server.exec(['sh', '-c', `rm -rf ${FILES}/*.bin`]);
  }

  /** Removes its files from this machine, once its containers are gone. */
  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
