/** Processes of `sidekick firmware publish` that are killed, and two that publish the same version, with a real etcd. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../support/command-line.js';
import {
  type Etcd,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { appImage } from '../../support/firmware-image.js';
import { UploadServer } from '../../support/upload-server.js';
import { start } from '../cli/cli.js';

describe('a publisher', () => {
  let network: TestNetwork;
  let etcd: Etcd;
  let upload: UploadServer;
  let directory: string;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'killed-'));
    network = await startNetwork();
    [etcd, upload] = await Promise.all([startEtcd(network), UploadServer.start()]);
    // A sidekick that holds whatever there is, and one of another service that holds nothing.
    await etcd.put('/services/firmware/10.0.0.11:8080', '{"meta":{"firmware":"9007199254740991"}}');
    await etcd.put('/services/waiting/10.0.0.12:8080', '{"meta":{"firmware":"0"}}');
  });
  afterEach(() => {
    upload.onRequest = () => {};
    upload.files.clear();
  });
  afterAll(async () => {
    upload?.close();
    await network?.remove();
    rmSync(directory, { recursive: true });
  });

  function publish(type: string, fill = 0): readonly string[] {
    const file = path.join(directory, `${type}-${fill}.bin`);
    writeFileSync(file, appImage({ version: '1.0.0', fill }));
    return ['firmware', 'publish', file, '--type', type, '--version', '1.0.0', '--upload-url', upload.url];
  }

  const environment = () => ({ SIDEKICK_ETCD_ENDPOINTS: etcd.url });

  async function keysOf(type: string): Promise<readonly string[]> {
    return [...(await etcd.list(`/sidekick/firmware/${type}/`)).keys()];
  }

  it.each(['PUT', 'GET'])(
    'leaves no release where it is killed at its %s, and succeeds when it is repeated',
    async (at) => {
      const type = `killed-${at}`;
      const asked = new Promise<void>((resolve) => {
        upload.onRequest = (method) => {
          if (method !== at) return undefined;
          resolve();
          // The answer never comes.
          return new Promise(() => {});
        };
      });
      const process = start(publish(type), environment());
      await asked;
      process.signal('SIGKILL');
      expect((await process.ended()).signal).toBe('SIGKILL');
      expect(await keysOf(type)).toEqual([]);

      upload.onRequest = () => {};
      expect(await runCommand(publish(type), environment())).toMatchObject({ code: 0 });
      expect(await keysOf(type)).toContain(`/sidekick/firmware/${type}/releases/1.0.0`);
    },
  );

  it('has published where it is killed while the files spread, and says so when it is repeated', async () => {
    const process = start([...publish('spreading'), '--service', 'waiting'], environment());
    await until('the release is there', async () => (await keysOf('spreading')).length > 0);
    process.signal('SIGKILL');
    await process.ended();

    const again = await runCommand(publish('spreading'), environment());
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/with this very image/)]);
    expect(await runCommand([...publish('spreading'), '--repair'], environment())).toMatchObject({ code: 0 });
    // Nobody is offered it: that takes a rollout.
    expect(await keysOf('spreading')).not.toContain('/sidekick/firmware/spreading/rollout');
  });

  it('wins alone where two publish one version at once, and the other is told who was first', async () => {
    let waiting = 0;
    let release = () => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    upload.onRequest = (method) => {
      if (method === 'PUT' && ++waiting === 2) release();
      return both;
    };
    const results = await Promise.all(
      [1, 2].map((fill) => runCommand(publish('twice', fill), environment())),
    );
    const [winner, loser] = results.toSorted((a, b) => a.code - b.code);
    expect([winner?.code, loser?.code]).toEqual([0, 1]);
    expect(loser?.err).toMatch(
      /twice was changed meanwhile by \S+@\S+ at \S+ \(publish: published 1\.0\.0\)/,
    );
    const releases = (await keysOf('twice')).filter((key) => key.includes('/releases/'));
    expect(releases).toHaveLength(1);
  });
});
