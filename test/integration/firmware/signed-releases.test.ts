/**
 * Somebody with all rights in etcd and without a release key publishes firmware: no sidekick fetches it, and no NGINX offers
 * it.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { createFileReader } from '../../../src/config/engine/secret-files.js';
import { releaseKeys } from '../../../src/config/firmware/release-keys.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { Offerer } from '../../../src/daemon/firmware/offerer.js';
import { Spreader } from '../../../src/daemon/firmware/spreader.js';
import type { Release } from '../../../src/firmware/release.js';
import { decode } from '../../../src/firmware/shared/catalogue.js';
import { runCommand } from '../../support/command-line.js';
import {
  type Etcd,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { FakeBlobs, FakePeers, sha256Of } from '../../support/fake-blobs.js';
import { FakeKeyvals } from '../../support/fake-keyvals.js';
import { appImage } from '../../support/firmware-image.js';
import { recordingLog, recordingMeter } from '../../support/silent.js';
import { UploadServer } from '../../support/upload-server.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const OWN = '10.0.0.11:8080';
const PEER = '10.0.0.12:8080';
const HOLDS_ALL = '{"meta":{"firmware":"9007199254740991"}}';

// The tests build on each other.
describe('a system with release keys', () => {
  let network: TestNetwork;
  let etcd: Etcd;
  let upload: UploadServer;
  let connection: EtcdConnection;
  let directory: string;
  let stop: AbortController;
  let running: Promise<unknown>;
  const local = new FakeBlobs();
  const peer = new FakeBlobs();
  const nginx = Object.assign(new FakeKeyvals('firmware'), { name: 'lb' });
  let spreader: Spreader;
  let offerer: Offerer;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'signed-releases-'));
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(path.join(directory, 'release.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(path.join(directory, 'release.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    network = await startNetwork();
    [etcd, upload] = await Promise.all([startEtcd(network), UploadServer.start()]);
    await etcd.put(`/services/firmware/${OWN}`, HOLDS_ALL);
    await etcd.put(`/services/firmware/${PEER}`, HOLDS_ALL);
    connection = connectEtcd({ endpoints: [etcd.url] });
    const keys = releaseKeys('keys', [path.join(directory, 'release.pub')], createFileReader({}));
    const { reader, store } = connection;
    const log = recordingLog();
    const meter = recordingMeter();
    const peers = new FakePeers();
    peers.servers.set(PEER as never, peer);
    spreader = new Spreader(
      { prefixes: PREFIXES, service: 'firmware' },
      {
        ...{ reader, store: local, peers, log, meter, clock: () => performance.now() },
        ...{ isOwn: (address) => address === OWN, releaseKeys: () => keys },
      },
    );
    offerer = new Offerer(
      { prefixes: PREFIXES, service: 'firmware', origin: 'https://ota.example.com' },
      { reader, store, nginx: [nginx], log, meter, wallClock: Date.now, releaseKeys: () => keys },
    );
    stop = new AbortController();
    running = Promise.all([spreader.run(stop.signal), offerer.run(stop.signal)]);
  });
  afterAll(async () => {
    stop?.abort();
    await running;
    connection?.close();
    upload?.close();
    await network?.remove();
    rmSync(directory, { recursive: true });
  });

  async function firmware(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await runCommand(['firmware', ...args], {
      SIDEKICK_ETCD_ENDPOINTS: etcd.url,
    });
    if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
    return out;
  }

  /** Publishes an image, whose file then is on the peer; resolves to its release and SHA-256. */
  async function publish(version: string, ...more: readonly string[]): Promise<Release> {
    const image = appImage({ version });
    const file = path.join(directory, `${version}.bin`);
    writeFileSync(file, image);
    peer.put(image);
    const args = [file, '--type', 'lamp', '--version', version, '--upload-url', upload.url, '--json'];
    return (JSON.parse(await firmware('publish', ...args, ...more)) as { release: Release }).release;
  }

  const signed = () => ['--sign-release', path.join(directory, 'release.key'), '--valid', '30d'];
  const lamp = () => decode(nginx.zones.get('firmware')?.get('lamp') ?? '');

  it('offers and fetches what is signed', async () => {
    const { plain } = await publish('1.0.0', ...signed());
    await firmware('rollout', 'lamp', '--percent', '100');
    await firmware('promote', 'lamp');
    await until('it is offered', () => lamp()?.stable?.version === '1.0.0');
    await until('it is fetched', () => local.files.has(plain.sha256));
  });

  it('has signatures that openssl verifies by hand, as docs/firmware.md says', async () => {
    const { plain, signature } = await publish('1.1.0', ...signed(), '--from', '1.0.0');
    const seconds = (time = '') => String(Date.parse(time) / 1000);
    const text = [
      'sidekick firmware release 1',
      'type lamp',
      'version 1.1.0',
      `plain ${plain.sha256} ${plain.size}`,
      'from 1.0.0',
      `not-before ${seconds(signature?.notBefore)}`,
      `expires ${seconds(signature?.expires)}`,
      '',
    ].join('\n');
    writeFileSync(path.join(directory, 'text'), text);
    writeFileSync(path.join(directory, 'signature'), Buffer.from(signature?.value ?? '', 'base64'));
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory });
    expect(
      openssl(
        ...['pkeyutl', '-verify', '-pubin', '-inkey', 'release.pub', '-rawin'],
        ...['-in', 'text', '-sigfile', 'signature'],
      ).toString(),
    ).toContain('Signature Verified Successfully');
    const der = openssl('pkey', '-pubin', '-in', 'release.pub', '-outform', 'DER');
    expect(sha256Of(der).slice(0, 16)).toBe(signature?.keyId);
  });

  it('neither offers nor fetches what somebody with all rights in etcd publishes without the key', async () => {
    const evil = await publish('6.6.6');
    // A signature of another release does not help, nor does a key of one's own.
    const record = JSON.parse(await firmware('show', 'lamp', '--json')) as { releases: Release[] };
    const signature = record.releases.find(({ version }) => version === '1.1.0')?.signature;
    const borrowed: Release = { ...evil, version: '6.6.7', ...(signature && { signature }) };
    await etcd.put('/sidekick/firmware/lamp/releases/6.6.7', JSON.stringify(borrowed));
    const own = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(path.join(directory, 'own.key'), own);
    await publish('6.6.8', '--sign-release', path.join(directory, 'own.key'));
    for (const version of ['6.6.6', '6.6.7', '6.6.8']) {
      await firmware('rollout', 'lamp', '--version', version, '--percent', '100');
      await until('the watcher has seen it', () =>
        offerer.status().types[0]?.withheld.some((release) => release.version === version),
      );
    }
    await until('the sidekick has seen all of them', () => spreader.status().rejected?.length === 3);

    expect(lamp()).toMatchObject({ stable: { version: '1.0.0' }, candidate: undefined });
    const files = record.releases
      .filter(({ version }) => version.startsWith('1.'))
      .map(({ plain }) => plain.sha256);
    await until('what is signed is fetched', () => files.every((file) => local.files.has(file)));
    expect([...local.files.keys()].sort()).toEqual(files.sort());
    expect(
      Object.fromEntries(spreader.status().rejected?.map(({ release, reason }) => [release, reason]) ?? []),
    ).toEqual({
      'lamp 6.6.6': 'the release is not signed',
      'lamp 6.6.7': expect.stringMatching(/^the signature is not that of key/) as string,
      'lamp 6.6.8': expect.stringMatching(/is not among the release keys$/) as string,
    });
  });

  it('offers a release that was published before there were keys once it is signed anew', async () => {
    await publish('7.0.0');
    await firmware('rollout', 'lamp', '--version', '7.0.0', '--percent', '100');
    await until('it is withheld', () =>
      offerer.status().types[0]?.withheld.some(({ version }) => version === '7.0.0'),
    );
    const args = [
      '--type',
      'lamp',
      '--version',
      '7.0.0',
      '--upload-url',
      upload.url,
      '--repair',
      ...signed(),
    ];
    expect(await firmware('publish', path.join(directory, '7.0.0.bin'), ...args)).toMatch(
      /has the files of lamp 7\.0\.0 again; its record is signed until \d{4}-/,
    );
    await until('it is offered', () => lamp()?.candidate?.version === '7.0.0');
  });
});
