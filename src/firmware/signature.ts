import type { ReleaseId } from './names.js';
import type { Release, ReleaseSignature } from './release.js';
import type { RejectedRelease, TypeState } from './type-state.js';

/** Signs releases that are published. */
export interface ReleaseSigner {
  /** See `ReleaseSignature.keyId`. */
  readonly keyId: string;
  /** How long a signature counts, in seconds. */
  readonly validity: number;
  /** The Ed25519 signature of a text, in base64. */
  sign(text: string): string;
}

/** The public keys that releases are checked with. */
export interface ReleaseKeys {
  /** Whether a key made the signature of a text; undefined where the key is not among them. */
  verify(keyId: string, text: string, signature: string): boolean | undefined;
}

/** Why a release of a type must not be offered or fetched; undefined where it may. */
type ReleaseCheck = (type: string, release: Release) => string | undefined;

/**
 * What a signature is over, byte by byte: lines that end with a line feed, in ASCII. docs/firmware.md describes it for
 * whoever checks signatures with other means. Whatever decides which devices may take the release is in it.
 */
export function signedText(
  type: string,
  { version, plain, signed, from, through, critical }: Release,
  { notBefore, expires }: Pick<ReleaseSignature, 'notBefore' | 'expires'>,
): string {
  const lines = [
    'sidekick firmware release 1',
    `type ${type}`,
    `version ${version}`,
    `plain ${plain.sha256} ${plain.size}`,
    signed && `signed ${signed.sha256} ${signed.size}`,
    from && `from ${from}`,
    through && 'through',
    critical && 'critical',
    `not-before ${secondsOf(notBefore)}`,
    `expires ${secondsOf(expires)}`,
  ];
  return lines
    .filter((line) => line !== undefined)
    .map((line) => `${line}\n`)
    .join('');
}

/** Signs a release, which counts from this time on (ISO 8601), in whole seconds. */
export function signRelease(
  type: string,
  release: Release,
  from: string,
  signer: ReleaseSigner,
): ReleaseSignature {
  const notBefore = new Date(Math.floor(Date.parse(from) / 1000) * 1000).toISOString();
  const expires = new Date(Date.parse(notBefore) + signer.validity * 1000).toISOString();
  const value = signer.sign(signedText(type, release, { notBefore, expires }));
  return { keyId: signer.keyId, value, notBefore, expires };
}

/** Rejects the releases that none of the keys vouches for, whenever it does. */
export function authentic(keys: ReleaseKeys): ReleaseCheck {
  return (type, release) => {
    const { signature } = release;
    if (signature === undefined) return 'the release is not signed';
    switch (keys.verify(signature.keyId, signedText(type, release, signature), signature.value)) {
      case true:
        return undefined;
      case false:
        return `the signature is not that of key ${signature.keyId} over this release`;
      case undefined:
        return `the release is signed with key ${signature.keyId}, which is not among the release keys`;
    }
  };
}

/** Rejects the releases that none of the keys vouches for at the time of the check; `now` is in ms since the epoch. */
export function authenticNow(keys: ReleaseKeys, now: () => number): ReleaseCheck {
  const check = authentic(keys);
  return (type, release) => check(type, release) ?? outsideValidity(release, now());
}

/** Why a signature does not count at this time (milliseconds since the epoch); undefined where it does, or there is none. */
function outsideValidity({ signature }: Release, now: number): string | undefined {
  if (signature === undefined) return undefined;
  const { notBefore, expires } = signature;
  if (now < Date.parse(notBefore)) return `the signature does not count before ${notBefore}`;
  return now < Date.parse(expires) ? undefined : `the signature expired at ${expires}`;
}

/** The type without the releases that the check rejects. */
export function acceptReleases(state: TypeState, check: ReleaseCheck): TypeState {
  const releases = new Map<ReleaseId, Release>();
  const rejected = new Map<ReleaseId, RejectedRelease>();
  for (const [id, release] of state.releases) {
    const reason = check(state.type, release);
    if (reason === undefined) releases.set(id, release);
    else rejected.set(id, { release, reason });
  }
  return rejected.size === 0 ? state : { ...state, releases, rejected };
}

function secondsOf(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
