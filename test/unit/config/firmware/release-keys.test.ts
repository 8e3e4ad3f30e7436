import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createFileReader } from '../../../../src/config/engine/secret-files.js';
import { releaseKeys, releaseSigner } from '../../../../src/config/firmware/release-keys.js';

const directory = mkdtempSync(path.join(tmpdir(), 'sidekick-release-keys-'));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, pem: string | Buffer): string {
  const file = path.join(directory, name);
  writeFileSync(file, pem);
  return file;
}

/** A key pair as files. */
function pair(name: string): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: write(`${name}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' })),
    publicKey: write(`${name}.pub`, publicKey.export({ type: 'spki', format: 'pem' })),
  };
}

const ONE = pair('one');
const OTHER = pair('other');

function keysOf(...paths: readonly string[]) {
  const files = createFileReader({});
  return { keys: releaseKeys('firmware.releaseKeys', paths, files), files };
}

function signerOf(file: string) {
  const files = createFileReader({});
  return { signer: releaseSigner('signRelease', file, 86_400, files), files };
}

describe('a set of release keys', () => {
  it('verifies what the key of the same pair has signed, and nothing else', () => {
    const { signer } = signerOf(ONE.privateKey);
    const { keys } = keysOf(ONE.publicKey, OTHER.publicKey);
    const signature = signer?.sign('a release') ?? '';
    const id = signer?.keyId ?? '';
    expect(signature).toMatch(/^[A-Za-z0-9+/]{86}==$/);
    expect(keys?.verify(id, 'a release', signature)).toBe(true);
    // What was checked is remembered, and a change is noticed all the same.
    expect(keys?.verify(id, 'a release', signature)).toBe(true);
    expect(keys?.verify(id, 'another release', signature)).toBe(false);
    expect(keys?.verify(id, 'a release', 'AAAA')).toBe(false);
    const other = signerOf(OTHER.privateKey).signer;
    expect(other?.keyId).not.toBe(id);
    expect(keys?.verify(other?.keyId ?? '', 'a release', signature)).toBe(false);
  });

  it('knows no other key', () => {
    const { signer } = signerOf(ONE.privateKey);
    const { keys } = keysOf(OTHER.publicKey);
    const signature = signer?.sign('a release') ?? '';
    expect(keys?.verify(signer?.keyId ?? '', 'a release', signature)).toBeUndefined();
  });

  it('is read with the other files of the configuration, so that a change of them is noticed', () => {
    expect([...keysOf(ONE.publicKey).files.filesRead.keys()]).toEqual([ONE.publicKey]);
  });

  it('is not needed if none is configured', () => {
    expect(releaseKeys('firmware.releaseKeys', undefined, createFileReader({}))).toBeUndefined();
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  it.each([
    [
      'another kind of key',
      write('rsa.pub', rsa.publicKey.export({ type: 'spki', format: 'pem' })),
      /, got one of rsa$/,
    ],
    ['no key', write('text', 'hello'), /must be a file with a public key of Ed25519 \(PEM\): /],
    ['a file that is not there', path.join(directory, 'none'), /must be a file that can be read/],
  ])('is refused if a file has %s', (_, file, reason) => {
    expect(keysOf(file).files.problems).toEqual([
      { key: 'firmware.releaseKeys', reason: expect.stringMatching(reason) as string },
    ]);
  });

  it('is refused if the list is empty, which would reject every release', () => {
    expect(keysOf().files.problems).toEqual([
      { key: 'firmware.releaseKeys', reason: 'must name at least one file, or be left out' },
    ]);
  });

  it('needs a private key to sign', () => {
    expect(signerOf(ONE.publicKey).files.problems).toEqual([
      { key: 'signRelease', reason: expect.stringMatching(/^must be a file with a private key/) as string },
    ]);
  });
});
