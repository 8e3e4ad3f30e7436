/**
 * Somebody with all rights in etcd and without a release key publishes firmware: no sidekick fetches it, and no NGINX offers
 * it.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { createFileReader } from '../../../src/config/engine/secret-files.js';
import { releaseKeys } from '../../../src/config/firmware/release-keys.js';
import type { Offerer } from '../../../src/daemon/firmware/offerer.js';
import type { Spreader } from '../../../src/daemon/firmware/spreader.js';
import type { Release } from '../../../src/firmware/release.js';
import { until } from '../../support/containers/index.js';
import { FakeBlobs, FakePeers, sha256Of } from '../../support/fake-blobs.js';
import { FakeFirmwareNginx } from '../../support/fake-firmware-nginx.js';
import { appImage } from '../../support/firmware-image.js';
import { newOfferer, newSpreader } from './in-process.js';
import { Publishing } from './publishing.js';

const OWN = '10.0.0.11:8080';
const PEER = '10.0.0.12:8080';

// The tests build on each other.
describe('a system with release keys', () => {
  let publishing: Publishing;
  let connection: EtcdConnection;
  let stop: AbortController;
  let running: Promise<unknown>;
  const local = new FakeBlobs();
  const peer = new FakeBlobs();
  const nginx = new FakeFirmwareNginx('lb');
  let spreader: Spreader;
  let offerer: Offerer;

  beforeAll(async () => {
    publishing = await Publishing.start();
    await publishing.holdsAll(OWN);
    await publishing.holdsAll(PEER);
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    publishing.write('release.key', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const file = publishing.write('release.pub', publicKey.export({ type: 'spki', format: 'pem' }));
    const keys = releaseKeys('keys', [file], createFileReader({}));
    connection = connectEtcd({ endpoints: [publishing.etcd.url] });
    const { reader, store } = connection;
    const peers = new FakePeers();
    peers.servers.set(PEER as never, peer);
    spreader = newSpreader(OWN, { reader, store: local, peers, releaseKeys: () => keys });
    offerer = newOfferer({ reader, store, nginx: [nginx], releaseKeys: () => keys });
    stop = new AbortController();
    running = Promise.all([spreader.run(stop.signal), offerer.run(stop.signal)]);
  });
  afterAll(async () => {
    stop?.abort();
    await running;
    connection?.close();
    await publishing?.close();
  });

  async function firmware(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await publishing.run(args);
    if (code !== 0) throw new Error(`${args.join(' ')}: ${err}`);
    return out;
  }

  /** Publishes an image, whose file then is on the peer; resolves to its release and SHA-256. */
  async function publish(version: string, ...more: readonly string[]): Promise<Release> {
    const image = appImage({ version });
    const file = publishing.write(`${version}.bin`, image);
    peer.put(image);
    const args = publishing.publish(file, 'lamp', version);
    return (JSON.parse(await firmware(...args, '--json', ...more)) as { release: Release }).release;
  }

  const signed = () => ['--sign-release', publishing.path('release.key'), '--valid', '30d'];
  const lamp = () => nginx.catalogue('lamp');

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
    publishing.write('text', text);
    publishing.write('signature', Buffer.from(signature?.value ?? '', 'base64'));
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: publishing.path('.') });
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
    await publishing.etcd.put('/sidekick/firmware/lamp/releases/6.6.7', JSON.stringify(borrowed));
    const own = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    await publish('6.6.8', '--sign-release', publishing.write('own.key', own));
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
    const args = publishing.publish(publishing.path('7.0.0.bin'), 'lamp', '7.0.0');
    expect(await firmware(...args, '--repair', ...signed())).toMatch(
      /has the files of lamp 7\.0\.0 again; its record is signed until \d{4}-/,
    );
    await until('it is offered', () => lamp()?.candidate?.version === '7.0.0');
  });
});
