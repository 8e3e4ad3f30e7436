/** Firmware servers with their sidekicks and a watcher, as processes, with a real etcd and a real gateway. */
import { existsSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/async/abort.js';
import { mtimeOf, type Release } from '../../../src/firmware/release.js';
import { decode } from '../../../src/firmware/shared/catalogue.js';
import {
  type Gateway,
  startGateway,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { type FirmwareServer, FirmwareServers, order, publish } from './firmware-server.js';

/** The content of a file; undefined where there is none. */
function contentOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

describe('a sidekick beside each firmware server', () => {
  let network: TestNetwork;
  let gateway: Gateway;
  let servers: FirmwareServers;

  beforeAll(async () => {
    network = await startNetwork();
    [servers, gateway] = await Promise.all([FirmwareServers.start(network), startGateway(network)]);
  });
  afterEach(() => servers.clear());
  afterAll(async () => {
    servers?.close();
    await network?.remove();
  });

  async function join(): Promise<FirmwareServer> {
    return (await servers.join()).server;
  }

  /** The version that the gateway offers as the candidate. */
  async function offered(): Promise<string | undefined> {
    const zone = await (await fetch(`${gateway.api}/9/http/keyvals/firmware`)).json();
    return decode((zone as { lamp?: string }).lamp ?? '')?.candidate?.version;
  }

  it('replicates an uploaded file, and the watcher offers it once every server has it', async () => {
    const [first, second] = [await join(), await join()];
    const { repository } = servers;
    servers.watch(gateway.api, '127.0.0.0/8');
    await until(
      'both are registered',
      async () => (await servers.isRegistered(first)) && servers.isRegistered(second),
    );
    const sha256 = await publish(repository, 'lamp', '1.0.0', first);
    await order(repository, 'lamp', { version: '1.0.0', percent: 100 });

    await until('it is offered', async () => (await offered()) === '1.0.0', { timeoutMs: 60_000 });
    expect(readFileSync(second.file(sha256), 'utf8')).toBe('firmware lamp 1.0.0');
    const mtime = (server: FirmwareServer) => Math.floor(statSync(server.file(sha256)).mtimeMs / 1000);
    const expected = mtimeOf((await repository.type('lamp', NEVER)).releases.get('1.0.0') as Release);
    expect([mtime(first), mtime(second)]).toEqual([expected, expected]);

    // One that joins with an empty disk is registered only once it has the file.
    const third = await join();
    await until('the third is registered', () => servers.isRegistered(third), { timeoutMs: 60_000 });
    expect(existsSync(third.file(sha256))).toBe(true);

    // One that loses its file takes it from another; meanwhile nobody is offered what one server lacks.
    unlinkSync(second.file(sha256));
    await until('it has the file again', async () => existsSync(second.file(sha256)), { timeoutMs: 60_000 });
    await until('it is offered again', async () => (await offered()) === '1.0.0', { timeoutMs: 60_000 });
  });

  it('replaces a file that is damaged, and reports one that no server has and a disk that fails', async () => {
    const [one, other] = [await servers.join(), await servers.join()];
    const sha256 = await publish(servers.repository, 'lamp', '2.0.0', one.server);
    const copy = other.server.file(sha256);
    await until('the other has the file', () => existsSync(copy), { timeoutMs: 60_000 });

    writeFileSync(copy, 'firmware lamp 2.0.1');
    await other.sidekick.event('firmware-file-damaged');
    await until('the file is whole again', () => contentOf(copy) === 'firmware lamp 2.0.0', {
      timeoutMs: 60_000,
    });

    for (const { server } of [one, other]) unlinkSync(server.file(sha256));
    await one.sidekick.event('firmware-file-missing');

    const { directory } = other.server;
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'no directory');
    await other.sidekick.event('firmware-disk-failed');
  });
});
