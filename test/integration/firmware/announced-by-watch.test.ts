/** `sidekick watch` as it is run, with release keys and with push: what it announces is what is signed. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileReader } from '../../../src/config/engine/secret-files.js';
import { releaseSigner } from '../../../src/config/firmware/release-keys.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { releaseKey, rolloutKey, typeKey } from '../../../src/firmware/keys.js';
import { encodeRelease, type Release } from '../../../src/firmware/release.js';
import { encodeRollout } from '../../../src/firmware/rollout.js';
import { signRelease } from '../../../src/firmware/signature.js';
import { encodeType } from '../../../src/firmware/type-record.js';
import {
  type Backend,
  type Etcd,
  type Sidekick,
  startBroker,
  startEtcd,
  startNetwork,
  startSidekick,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { HOLDS_ALL } from '../../support/firmware-registration.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const AUTHOR = { by: 'ann', at: new Date().toISOString() };

describe('a watcher with --firmware-push and release keys', () => {
  let network: TestNetwork;
  let etcd: Etcd;
  let broker: Backend;
  let watcher: Sidekick;
  let device: MqttClient;
  const directory = mkdtempSync(path.join(tmpdir(), 'announced-'));
  const messages: { version: string; spread: number }[] = [];
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');

  beforeAll(async () => {
    network = await startNetwork();
    [etcd, broker] = await Promise.all([startEtcd(network), startBroker(network, 1)]);
    await etcd.put(`/services/mqtt/${broker.address}`, '');
    await etcd.put('/services/firmware/10.0.0.11:8080', HOLDS_ALL);
    await etcd.put(typeKey(PREFIXES, 'lamp'), encodeType({ chip: 'esp32', forms: ['file'] }));
    watcher = await startSidekick(network, {
      name: 'watcher',
      files: { '/etc/sidekick/release.pub': publicKey.export({ type: 'spki', format: 'pem' }).toString() },
      args: [
        ...['watch', '--etcd-endpoints', etcd.endpoint, '--nginx-api', 'http://127.0.0.1:9/api'],
        ...[
          '--firmware-origin',
          'https://ota.example.com',
          '--firmware-push',
          '--firmware-mqtt-spread',
          '90s',
        ],
        ...['--firmware-release-keys', '/etc/sidekick/release.pub'],
      ],
    });
    device = await connectAsync({ port: broker.container.port(1883) });
    device.on('message', (_, payload) =>
      messages.push(JSON.parse(payload.toString()) as { version: string; spread: number }),
    );
    await device.subscribeAsync('firmware/lamp');
  });
  afterAll(async () => {
    await device?.endAsync(true);
    await network?.remove();
    rmSync(directory, { recursive: true });
  });

  function release(version: string): Release {
    return {
      ...{ version, publishedAt: AUTHOR.at, publishedBy: 'ci' },
      plain: { sha256: 'a'.repeat(64), md5: 'b'.repeat(32), size: 1_000 },
      image: { chip: 'esp32', secureBoot: 'none' },
    };
  }

  function signed(one: Release): Release {
    const file = path.join(directory, 'release.key');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const signer = releaseSigner('signRelease', file, 3_600, createFileReader({}));
    if (signer === undefined) throw new Error('the key cannot be read');
    return { ...one, signature: signRelease('lamp', one, AUTHOR.at, signer) };
  }

  async function offer(one: Release): Promise<void> {
    await etcd.put(releaseKey(PREFIXES, 'lamp', one.version), encodeRelease(one));
    const rollout = { ...AUTHOR, stable: one.version, downgrade: false, secureVersion: 0 };
    await etcd.put(rolloutKey(PREFIXES, 'lamp'), encodeRollout(rollout));
  }

  it('announces a signed release, and not one that somebody has put into etcd', async () => {
    await offer(signed(release('1.0.0')));
    await until('it is announced', () => messages.length > 0);
    expect(messages[0]).toMatchObject({ version: '1.0.0', spread: 90 });

    await offer(release('6.6.6'));
    const { reason } = await watcher.waitForEvent('firmware-rejected', ({ version }) => version === '6.6.6');
    expect(reason).toBe('the release is not signed');
    await offer(signed(release('1.1.0')));
    await until('the next one is announced', () => messages.length > 1);
    expect(messages.map(({ version }) => version)).toEqual(['1.0.0', '1.1.0']);
  });

  it('says on which brokers it is announced', async () => {
    const { output } = await watcher.container.exec(['sidekick', 'status', '--local']);
    expect(output).toContain('announced on 1 of 1 brokers');
    expect(output).toContain('6.6.6 is rejected: the release is not signed');
  });

  it('announces again what a broker that was killed has forgotten', async () => {
    await broker.container.kill();
    await watcher.waitForEvent('firmware-announce-failed');
    await broker.container.start();
    // It may have another address than before.
    await etcd.put(`/services/mqtt/${broker.address}`, '');
    const late = await until('a device can connect', () =>
      connectAsync({ port: broker.container.port(1883) }),
    );
    const retained = new Promise<string>((resolve) => {
      late.on('message', (_, payload) => resolve(payload.toString()));
    });
    await late.subscribeAsync('firmware/lamp');
    expect(JSON.parse(await retained)).toMatchObject({ version: '1.1.0' });
    await late.endAsync(true);
  });
});
