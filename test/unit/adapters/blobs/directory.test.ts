import { createHash } from 'node:crypto';
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { BlobDirectory } from '../../../../src/adapters/blobs/directory.js';

const NEVER = new AbortController().signal;
const CONTENT = Buffer.from('firmware');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const MTIME = 1_700_000_000;

async function* chunks(...parts: (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Error) throw part;
    yield part;
  }
}

describe('BlobDirectory', () => {
  let directory: string;
  let blobs: BlobDirectory;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'blobs-'));
    blobs = new BlobDirectory(directory);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  // A unit has UMask=0077.
  it('stores a fetched file with its mtime, readable for all, whatever the umask', async () => {
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    await blobs.append(SHA256, 0, chunks(CONTENT.subarray(0, 3), CONTENT.subarray(3)));

    expect(await blobs.list()).toEqual([]);
    expect(await blobs.complete(SHA256, MTIME, NEVER)).toBe(true);

    expect(await blobs.list()).toEqual([{ sha256: SHA256, size: CONTENT.length, mtime: MTIME }]);
    const file = path.join(directory, `${SHA256}.bin`);
    expect(readFileSync(file)).toEqual(CONTENT);
    expect(statSync(file).mode & 0o777).toBe(0o644);
  });

  it('gives an uploaded file, which belongs to another user, another mtime: a copy takes its place', async () => {
    const file = path.join(directory, `${SHA256}.bin`);
    writeFileSync(file, CONTENT, { mode: 0o600 });
    const uploaded = path.join(directory, 'uploaded');
    linkSync(file, uploaded);
    const before = statSync(uploaded).mtimeMs;

    await blobs.setMtime(SHA256, MTIME);

    // Nothing was done to the file itself: only its owner may.
    expect([statSync(uploaded).mtimeMs, statSync(uploaded).mode & 0o777]).toEqual([before, 0o600]);
    expect(await blobs.list()).toEqual([{ sha256: SHA256, size: CONTENT.length, mtime: MTIME }]);
    expect([readFileSync(file), statSync(file).mode & 0o777]).toEqual([CONTENT, 0o644]);
    expect(await blobs.partial(SHA256)).toBe(0);
  });

  it('resumes a fetch that broke off', async () => {
    const broken = blobs.append(SHA256, 0, chunks(CONTENT.subarray(0, 3), new Error('reset')));
    await expect(broken).rejects.toThrow('reset');
    expect(await blobs.partial(SHA256)).toBe(3);

    await blobs.append(SHA256, 3, chunks(CONTENT.subarray(3)));

    expect(await blobs.complete(SHA256, MTIME, NEVER)).toBe(true);
    expect(await blobs.partial(SHA256)).toBe(0);
  });

  it('discards a partial fetch when the server starts from the beginning', async () => {
    await blobs.append(SHA256, 0, chunks(Buffer.from('something longer than the file')));
    await blobs.append(SHA256, 0, chunks(CONTENT));

    expect(await blobs.complete(SHA256, MTIME, NEVER)).toBe(true);
  });

  it('stores no file with other content than its name says, and discards it', async () => {
    await blobs.append(SHA256, 0, chunks(Buffer.from('nonsense')));

    expect(await blobs.complete(SHA256, MTIME, NEVER)).toBe(false);
    expect(await blobs.list()).toEqual([]);
    expect(await blobs.partial(SHA256)).toBe(0);
  });

  it('lists files named by a SHA-256 alone, returns the hash of their content, and removes them', async () => {
    writeFileSync(path.join(directory, `${SHA256}.bin`), 'damaged');
    writeFileSync(path.join(directory, 'index.html'), 'x');
    writeFileSync(path.join(directory, `${SHA256}.bin.1234567890`), 'an upload under way');

    expect((await blobs.list()).map(({ sha256 }) => sha256)).toEqual([SHA256]);
    expect(await blobs.digest(SHA256, NEVER)).toBe(createHash('sha256').update('damaged').digest('hex'));
    await blobs.setMtime(SHA256, MTIME);
    expect((await blobs.list())[0]?.mtime).toBe(MTIME);
    await blobs.remove(SHA256);
    await blobs.remove(SHA256);
    expect(readdirSync(directory).filter((name) => name !== '.partial')).toHaveLength(2);
  });

  it('returns how many bytes may be written', async () => {
    expect(await blobs.free()).toBeGreaterThan(0);
  });
});
