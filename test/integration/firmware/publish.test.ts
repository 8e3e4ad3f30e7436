/** `sidekick firmware publish`, as an operator types it, with a real etcd and a real firmware server. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Authority } from '../../support/certificates.js';
import { type Output, runCommand } from '../../support/command-line.js';
import {
  type Container,
  type Etcd,
  startContainer,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { appImage } from '../../support/firmware-image.js';
import { HOLDS_ALL } from '../../support/firmware-registration.js';

const TOKEN = 'a-token-of-twenty-one';
const OWN = '/etc/firmware/upload';

describe('sidekick firmware publish', () => {
  let network: TestNetwork;
  let etcd: Etcd;
  let server: Container;
  let authority: Authority;
  let directory: string;
  let type: string;
  let round = 0;

  beforeAll(async () => {
    authority = new Authority();
    directory = mkdtempSync(path.join(tmpdir(), 'publish-'));
    network = await startNetwork();
    const { cert, key } = authority.issue('firmware');
    [etcd, server] = await Promise.all([
      startEtcd(network),
      startContainer({
        image: 'sidekick-firmware',
        name: 'firmware-1',
        network,
        files: {
          [`${OWN}/tls.crt`]: cert.toString(),
          [`${OWN}/tls.key`]: key.toString(),
          [`${OWN}/token`]: `${TOKEN}\n`,
        },
        ports: [8080, 8443],
        ready: (self) =>
          until('it answers', async () => (await fetch(`http://127.0.0.1:${self.port(8080)}/healthz`)).ok),
      }),
    ]);
    writeFileSync(path.join(directory, 'token'), `${TOKEN}\n`);
    writeFileSync(path.join(directory, 'ca.crt'), authority.ca);
    await etcd.put('/services/firmware/10.0.0.11:8080', HOLDS_ALL);
  });
  afterAll(async () => {
    await network?.remove();
    authority?.[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  beforeEach(() => {
    type = `lamp-${++round}`;
  });

  function fileOf(content: Uint8Array): string {
    const file = path.join(directory, `${createHash('sha256').update(content).digest('hex')}.bin`);
    writeFileSync(file, content);
    return file;
  }

  function publish(content: Uint8Array, version: string, ...more: readonly string[]): Promise<Output> {
    const args = ['firmware', 'publish', fileOf(content), '--type', type, '--version', version];
    const upload = ['--upload-url', `https://localhost:${server.port(8443)}`];
    const access = ['--upload-token-file', `${directory}/token`, '--upload-ca', `${directory}/ca.crt`];
    return runCommand([...args, ...upload, ...access, ...more], { SIDEKICK_ETCD_ENDPOINTS: etcd.url });
  }

  async function served(content: Uint8Array): Promise<boolean> {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const response = await fetch(`http://127.0.0.1:${server.port(8080)}/blobs/${sha256}.bin`);
    return response.ok && Buffer.from(await response.arrayBuffer()).equals(Buffer.from(content));
  }

  it('uploads an image, creates its release, and never changes it', async () => {
    const image = appImage({ version: '1.3.0', project: 'lamp' });
    expect(await publish(image, '1.3.0')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/1\.3\.0 is published\nevery firmware server has it/),
    });
    expect(await served(image)).toBe(true);

    const again = await publish(image, '1.3.0');
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/with this very image/)]);
    const other = await publish(appImage({ version: '1.3.0', project: 'lamp', fill: 7 }), '1.3.0');
    expect([other.code, other.err]).toEqual([1, expect.stringMatching(/never changes/)]);
    const repaired = await publish(image, '1.3.0', '--repair');
    expect([repaired.code, repaired.out]).toEqual([0, expect.stringMatching(/has the files of .* again/)]);
  });

  it('uploads a signed file for esp32FOTA beside the bare image', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = path.join(directory, 'key.pem');
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const image = appImage({ version: '1.0.0', fill: 3 });

    const { code, out } = await publish(image, '1.0.0', '--sign', key, '--json');

    expect(code).toBe(0);
    const { release } = JSON.parse(out) as { release: { signed: { size: number } } };
    expect(release.signed.size).toBe(image.length + 256);
    expect(await served(image)).toBe(true);
  });

  it.each([
    ['truncated', () => appImage({ version: '1.0.0' }).subarray(0, 3000), /truncated|ends/],
    ['no firmware', () => Buffer.alloc(5000, 'text'), /not firmware|not an image|is no/],
    ['of another version', () => appImage({ version: '1.1.0' }), /says that it is version "1\.1\.0"/],
  ])('refuses a file that is %s, and uploads nothing', async (_, build, expected) => {
    const content = build();
    const { code, err } = await publish(content, '1.0.0');
    expect([code, err]).toEqual([1, expect.stringMatching(expected)]);
    expect(await served(content)).toBe(false);
  });

  it('reports what the firmware server demands where it refuses an upload', async () => {
    writeFileSync(path.join(directory, 'wrong'), 'another-token-than-that\n');
    const { code, err } = await publish(
      appImage({ version: '1.0.0' }),
      '1.0.0',
      ...['--upload-token-file', path.join(directory, 'wrong')],
    );
    expect([code, err]).toEqual([1, expect.stringMatching(/: 40[13]\n.*--upload-token-file/)]);
  });

  it('waits no longer than its time limit for a firmware server that lacks the files', async () => {
    await etcd.put('/services/waiting/10.0.0.12:8080', '{"meta":{"firmware":"1"}}');
    const { code, err } = await publish(
      appImage({ version: '1.0.0', fill: 9 }),
      '1.0.0',
      ...['--service', 'waiting', '--timeout', '2s'],
    );
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/0 of 1 have it; 10\.0\.0\.12:8080 not yet\nthe release is published/),
    ]);
  });
});
