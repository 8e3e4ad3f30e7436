import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { messageOf } from '../../core/errors.js';
import type { ReleaseKeys, ReleaseSigner } from '../../firmware/signature.js';
import type { FileReader } from '../engine/secret-files.js';

/** Signatures that are remembered, so that each is checked once. */
const REMEMBERED = 10_000;

/** Public keys by their id. */
class Keyring implements ReleaseKeys {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #verified = new Map<string, boolean>();

  constructor(keys: readonly KeyObject[]) {
    this.#keys = new Map(keys.map((key) => [keyIdOf(key), key]));
  }

  verify(keyId: string, text: string, signature: string): boolean | undefined {
    const key = this.#keys.get(keyId);
    if (key === undefined) return undefined;
    const known = `${keyId} ${signature} ${text}`;
    const before = this.#verified.get(known);
    if (before !== undefined) return before;
    if (this.#verified.size >= REMEMBERED) this.#verified.clear();
    const isRight = verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
    this.#verified.set(known, isRight);
    return isRight;
  }
}

/** The keys that `firmware.releaseKeys` names; undefined where it names none. Problems go to `files`. */
export function releaseKeys(
  key: string,
  paths: readonly string[] | undefined,
  files: FileReader,
): ReleaseKeys | undefined {
  if (paths === undefined) return undefined;
  if (paths.length === 0) {
    files.problems.push({ key, reason: 'must name at least one file, or be left out' });
  }
  return new Keyring(
    paths.flatMap((path) => ed25519(key, path, files, createPublicKey, 'a public key') ?? []),
  );
}

/**
 * The key that `--sign-release` names; undefined where it is not given. Problems go to `files`.
 * @param validity In seconds; see `ReleaseSigner`.
 */
export function releaseSigner(
  key: string,
  path: string | undefined,
  validity: number,
  files: FileReader,
): ReleaseSigner | undefined {
  if (path === undefined) return undefined;
  const privateKey = ed25519(key, path, files, createPrivateKey, 'a private key');
  if (privateKey === undefined) return undefined;
  return {
    keyId: keyIdOf(createPublicKey(privateKey)),
    validity,
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64'),
  };
}

function ed25519(
  key: string,
  path: string,
  files: FileReader,
  read: (pem: Buffer) => KeyObject,
  what: string,
): KeyObject | undefined {
  const pem = files.read(key, path);
  if (pem === undefined) return undefined;
  const wanted = `must be a file with ${what} of Ed25519 (PEM)`;
  try {
    const found = read(pem);
    if (found.asymmetricKeyType === 'ed25519') return found;
    files.problems.push({ key, reason: `${wanted}, got one of ${found.asymmetricKeyType}` });
  } catch (error) {
    files.problems.push({ key, reason: `${wanted}: ${messageOf(error)}` });
  }
  return undefined;
}

/** See `ReleaseSignature.keyId`. */
function keyIdOf(publicKey: KeyObject): string {
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex').slice(0, 16);
}
