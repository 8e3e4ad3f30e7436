/** Keys that sign and check releases, without files. */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import type { Release, ReleaseSignature } from '../../src/firmware/release.js';
import { type ReleaseKeys, type ReleaseSigner, signRelease } from '../../src/firmware/signature.js';

/** A key pair that signs for this many seconds. */
export interface ReleaseKeyPair {
  readonly keys: ReleaseKeys;
  /** The release with a signature over it, which counts from its publication on. */
  signed(type: string, release: Release): Release & { readonly signature: ReleaseSignature };
}

export function releaseKeyPair(validity = 86_400): ReleaseKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const id = publicKey.export({ type: 'spki', format: 'der' }).subarray(-8).toString('hex');
  const signer: ReleaseSigner = {
    keyId: id,
    validity,
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64'),
  };
  return {
    keys: {
      verify: (keyId, text, signature) =>
        keyId === id
          ? verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64'))
          : undefined,
    },
    signed: (type, release) => ({
      ...release,
      signature: signRelease(type, release, release.publishedAt, signer),
    }),
  };
}
