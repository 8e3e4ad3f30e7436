/** Firmware servers that a test stops and starts, and releases that it publishes without an image. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import type { FirmwareRepository } from '../../../src/daemon/firmware/repository.js';
import type { Release } from '../../../src/firmware/release.js';
import { rollOut } from '../../../src/firmware/transitions.js';

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

/** Offers a release to every device. */
export async function offer(repository: FirmwareRepository, type: string, version: string): Promise<void> {
  const state = await repository.type(type, NEVER);
  const change = rollOut(state, { version, percent: 100 }, AUTHOR);
  if (!change.ok) throw new Error(change.refusal.reason);
  const entry = { ...AUTHOR, action: 'rollout' as const, text: change.value.text };
  await repository.change(state, { entry, rollout: change.value.rollout }, NEVER);
}
