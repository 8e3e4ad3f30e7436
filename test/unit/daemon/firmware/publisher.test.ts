import { beforeEach, describe, expect, it } from 'vitest';
import { NEVER } from '../../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { awaitSpread, publishRelease } from '../../../../src/daemon/firmware/publisher.js';
import { FirmwareRepository } from '../../../../src/daemon/firmware/repository.js';
import type { BlobUploader } from '../../../../src/firmware/ports.js';
import type { Publication } from '../../../../src/firmware/publish.js';
import { etagOf, mtimeOf, type Release } from '../../../../src/firmware/release.js';
import { sha256Of } from '../../../support/fake-blobs.js';
import { FakeRegistry } from '../../../support/fake-registry.js';

const AUTHOR = { by: 'ci@build1', at: '2026-11-27T12:00:00.000Z' };
const IMAGE = Buffer.from('an image');

const RELEASE: Release = {
  version: '1.0.0',
  publishedAt: AUTHOR.at,
  publishedBy: AUTHOR.by,
  plain: { sha256: sha256Of(IMAGE), md5: 'b'.repeat(32), size: IMAGE.length },
  image: { chip: 'esp32', secureBoot: 'none' },
};

const PUBLICATION: Publication = {
  id: '1.0.0',
  record: { chip: 'esp32', forms: ['file'] },
  release: RELEASE,
  files: [{ file: RELEASE.plain, bytes: IMAGE }],
  warnings: [],
};

/** A firmware server in memory that does what it is told to with what it gets. */
class FakeUploader implements BlobUploader {
  readonly name = 'https://firmware-1:8443';
  readonly files = new Map<string, { content: Uint8Array; mtime: number }>();
  spoil = (content: Uint8Array): Uint8Array => content;
  etag = (size: number, mtime: number): string => etagOf(mtime, size);

  async put(
    sha256: string,
    mtime: number,
    content: Uint8Array,
    onProgress: (sent: number) => void,
  ): Promise<void> {
    this.files.set(sha256, { content: this.spoil(content), mtime });
    onProgress(content.length);
  }

  async readBack(sha256: string) {
    const found = this.files.get(sha256);
    return found && { sha256: sha256Of(found.content), etag: this.etag(found.content.length, found.mtime) };
  }
}

describe('publishing', () => {
  let registry: FakeRegistry;
  let repository: FirmwareRepository;
  let uploader: FakeUploader;
  let told: string[];
  const progress = {
    uploading: (sent: number, total: number) => void told.push(`${sent} of ${total} bytes`),
    spreading: (waitingFor: readonly string[], servers: number) =>
      void told.push(`${servers - waitingFor.length} of ${servers} servers; ${waitingFor.join()} not yet`),
  };

  const SERVERS = { prefixes: DEFAULT_KEY_PREFIXES, service: 'firmware' };
  const register = (host: number, revision: number, meta: Readonly<Record<string, string>> = {}) =>
    registry.write(
      `/services/firmware/10.0.0.${host}:8080`,
      JSON.stringify({ meta: { firmware: String(revision), ...meta } }),
    );

  beforeEach(() => {
    registry = new FakeRegistry();
    repository = new FirmwareRepository(registry, DEFAULT_KEY_PREFIXES);
    uploader = new FakeUploader();
    told = [];
  });

  async function publish() {
    const ground = await repository.type('lamp', NEVER);
    return publishRelease(ground, PUBLICATION, AUTHOR, { registry, repository, uploader, progress }, NEVER);
  }

  it('uploads, reads back, and only then creates the release', async () => {
    expect(await publish()).toMatchObject({ made: true });

    expect(uploader.files.get(RELEASE.plain.sha256)?.mtime).toBe(mtimeOf(RELEASE));
    expect((await repository.type('lamp', NEVER)).releases.get('1.0.0')).toEqual(RELEASE);
    expect(told).toEqual(['8 of 8 bytes']);
  });

  it.each([
    ['has something else', () => Buffer.from('damaged'), undefined, /does not have the file/],
    ['gives another ETag', undefined, () => '"other"', /ETag "other"/],
  ])('creates no release if the server then %s', async (_, spoil, etag, expected) => {
    if (spoil) uploader.spoil = spoil;
    if (etag) uploader.etag = etag;

    await expect(publish()).rejects.toThrow(expected);
    expect((await repository.type('lamp', NEVER)).revision).toBe(0);
  });

  it('succeeds when it is repeated after it was killed before the release was created', async () => {
    await uploader.put(RELEASE.plain.sha256, 7, Buffer.from('half'), () => {});
    expect(await publish()).toMatchObject({ made: true });
  });

  it('waits until every registered firmware server announces the release', async () => {
    register(1, 9);
    register(2, 8);
    const waiting = awaitSpread('lamp', 9, SERVERS, { registry, progress }, NEVER);
    await expect.poll(() => told.at(-1)).toBe('1 of 2 servers; 10.0.0.2:8080 not yet');

    register(2, 9);
    await waiting;
    expect(told.at(-1)).toBe('2 of 2 servers;  not yet');
  });

  it('waits for no server of another region', async () => {
    register(1, 9, { region: 'eu' });
    register(2, 8, { region: 'us' });
    await awaitSpread('lamp@eu', 9, SERVERS, { registry, progress }, NEVER);
    expect(told.at(-1)).toBe('1 of 1 servers;  not yet');
  });
});
