/** Firmware servers with their sidekicks, and releases that a test publishes without an image. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { NEVER } from '../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { FirmwareRepository } from '../../../src/daemon/firmware/repository.js';
import type { Release } from '../../../src/firmware/release.js';
import { type RolloutRequest, rollOut } from '../../../src/firmware/transitions.js';
import { API_TOKEN_FILE, type Etcd, startEtcd, type TestNetwork } from '../../support/containers/index.js';
import { type Cli, start } from '../cli/cli.js';
import { ORIGIN } from './in-process.js';

const AUTHOR = { by: 'ci@build1', at: '2026-11-27T12:00:00.000Z' };

/** A firmware server: serves its directory as `/blobs/`. */
export class FirmwareServer {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'firmware-'));
  /** The files that it was asked for. */
  readonly asked: string[] = [];
  readonly #server: Server = createServer((request, response) => {
    const file = path.join(
      this.directory,
      path.basename(new URL(request.url ?? '', 'http://server').pathname),
    );
    this.asked.push(path.basename(file, '.bin'));
    if (!existsSync(file)) return response.writeHead(404).end();
    const [, from = '0'] = /bytes=(\d+)-/.exec(request.headers.range ?? '') ?? [];
    const content = readFileSync(file).subarray(Number(from));
    response.setHeader('content-length', content.length);
    const range = { 'content-range': `bytes ${from}-/*` };
    return response.writeHead(from === '0' ? 200 : 206, from === '0' ? {} : range).end(content);
  });

  async listen(host = '127.0.0.1'): Promise<this> {
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
    return this;
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `${address}:${port}`;
  }

  file(sha256: string): string {
    return path.join(this.directory, `${sha256}.bin`);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.directory, { recursive: true });
  }
}

/** An etcd, and firmware servers that have a sidekick each, as a process that ends with its test. */
export class FirmwareServers {
  readonly connection: EtcdConnection;
  readonly repository: FirmwareRepository;
  readonly #servers: FirmwareServer[] = [];

  private constructor(readonly etcd: Etcd) {
    this.connection = connectEtcd({ endpoints: [etcd.url] });
    this.repository = new FirmwareRepository(this.connection.store, DEFAULT_KEY_PREFIXES);
  }

  static async start(network: TestNetwork): Promise<FirmwareServers> {
    return new FirmwareServers(await startEtcd(network));
  }

  /** Starts a server with an empty disk, and its sidekick with further arguments. Default host: 127.0.0.1. */
  async join(
    host?: string,
    ...more: readonly string[]
  ): Promise<{ readonly server: FirmwareServer; readonly sidekick: Cli }> {
    const server = await new FirmwareServer().listen(host);
    this.#servers.push(server);
    const sidekick = start([
      ...[
        'register',
        '--service',
        'firmware',
        '--address',
        server.address,
        '--etcd-endpoints',
        this.etcd.url,
      ],
      ...['--firmware-directory', server.directory, '--admin-listen', 'off', '--probe-interval', '500ms'],
      ...more,
    ]);
    return { server, sidekick };
  }

  /** Starts a watcher of one NGINX, as a process that ends with its test. It offers firmware of servers in `network`. */
  watch(api: string, network: string): Cli {
    return start([
      ...['watch', '--id', 'w1', '--etcd-endpoints', this.etcd.url, '--nginx-api', api],
      ...['--nginx-token-file', API_TOKEN_FILE, '--admin-listen', 'off', '--allow', `*=${network}`],
      ...['--firmware-origin', ORIGIN],
    ]);
  }

  async isRegistered(server: FirmwareServer): Promise<boolean> {
    const found = await this.connection.store.read([`/services/firmware/${server.address}`], NEVER);
    return found.size === 1;
  }

  /** Ends a server; its sidekick goes on. */
  end(server: FirmwareServer): void {
    this.#servers.splice(this.#servers.indexOf(server), 1);
    server.close();
  }

  /** Ends all servers, and removes what is in etcd. */
  async clear(): Promise<void> {
    for (const server of this.#servers.splice(0)) server.close();
    await this.etcd.delete('/sidekick/');
    await this.etcd.delete('/services/');
  }

  close(): void {
    for (const server of this.#servers.splice(0)) server.close();
    this.connection.close();
  }
}

/** Uploads a file to one server and publishes it as a release. Resolves to its SHA-256. */
export async function publish(
  repository: FirmwareRepository,
  type: string,
  version: string,
  server: FirmwareServer,
): Promise<string> {
  const content = `firmware ${type} ${version}`;
  const sha256 = createHash('sha256').update(content).digest('hex');
  writeFileSync(server.file(sha256), content);
  const release: Release = {
    version,
    publishedAt: AUTHOR.at,
    publishedBy: AUTHOR.by,
    plain: { sha256, md5: createHash('md5').update(content).digest('hex'), size: content.length },
    image: { chip: 'esp32', secureBoot: 'none' },
  };
  const entry = { ...AUTHOR, action: 'publish' as const, text: `published ${version}` };
  const record = { chip: 'esp32', forms: ['esp32fota' as const] };
  const ground = await repository.type(type, NEVER);
  expect(await repository.change(ground, { entry, record, release }, NEVER)).toMatchObject({ made: true });
  return sha256;
}

/** Rolls a release out. */
export async function order(
  repository: FirmwareRepository,
  type: string,
  request: RolloutRequest,
): Promise<void> {
  const author = { by: AUTHOR.by, at: new Date().toISOString() };
  const state = await repository.type(type, NEVER);
  const change = rollOut(state, request, author);
  if (!change.ok) throw new Error(change.refusal.reason);
  const { rollout, version, text } = change.value;
  const entry = { ...author, action: 'rollout' as const, version, text };
  expect(await repository.change(state, { rollout, entry }, NEVER)).toMatchObject({ made: true });
}
