import { defined } from '../core/defined.js';
import { err, ok, type Result } from '../core/result.js';
import { CHIP_NAMES } from './chips.js';
import {
  type Fields,
  integer,
  matching,
  oneOf,
  prose,
  type Reader,
  readRecord,
  time,
  trueFlag,
} from './fields.js';
import { parseReleaseId, type ReleaseId } from './names.js';
import { normal, parse } from './shared/version.js';
import { MAX_IMAGE } from './type-record.js';

/** A file that firmware servers hold, at `/blobs/<sha256>.bin`. */
export interface ReleaseFile {
  /** In lower-case hex. */
  readonly sha256: string;
  /** In lower-case hex; HTTPUpdate and ESPHome check it. */
  readonly md5: string;
  /** In bytes. */
  readonly size: number;
}

/** How an image is signed for secure boot. */
export type SecureBoot = 'none' | 'v1' | 'v2-rsa' | 'v2-ecdsa';

export const SECURE_BOOTS: readonly SecureBoot[] = ['none', 'v1', 'v2-rsa', 'v2-ecdsa'];

/** What an image says of itself. Where a field is undefined, the image does not say it. */
export interface ImageFacts {
  /** The target's name, such as `esp32s3`. */
  readonly chip: string;
  /** The oldest and the newest revision of the chip that it runs on: major × 100 + minor. */
  readonly minRevision?: number;
  readonly maxRevision?: number;
  readonly version?: string;
  readonly project?: string;
  /** The anti-rollback counter: a device whose eFuses are higher does not boot the image. */
  readonly secureVersion?: number;
  /** When it was compiled, as its compiler wrote it. */
  readonly built?: string;
  readonly idf?: string;
  /** SHA-256 of its ELF file, which identifies the build; lower-case hex. */
  readonly elfSha256?: string;
  /** The SHA-256 at its end, which devices report as that of the running sketch; lower-case hex. */
  readonly appSha256?: string;
  readonly secureBoot: SecureBoot;
}

/** Who vouches for a release, and how long: see `signedText` for what is signed. */
export interface ReleaseSignature {
  /** Names the key: the first 16 hex digits of the SHA-256 of the public key in DER (SubjectPublicKeyInfo). */
  readonly keyId: string;
  /** The Ed25519 signature in base64: 88 characters. */
  readonly value: string;
  /** ISO 8601, whole seconds: the release counts from then on, and no longer once it has expired. */
  readonly notBefore: string;
  readonly expires: string;
}

/** A published version of a type's firmware. It never changes. */
export interface Release {
  /** As it was published: what devices are told. Its normal spelling is that of its key. */
  readonly version: string;
  /** ISO 8601, whole seconds. The files' mtime on every firmware server. */
  readonly publishedAt: string;
  /** Such as `ci@build1`; nobody has checked it. */
  readonly publishedBy: string;
  /** The bare image. */
  readonly plain: ReleaseFile;
  /** The same with a signature in front, for devices that check one with esp32FOTA. */
  readonly signed?: ReleaseFile;
  readonly image: ImageFacts;
  /** Only devices that run this version or a later one may take the release. */
  readonly from?: ReleaseId;
  /** A stepping stone: devices below it have to take it before any later release. */
  readonly through?: true;
  /** Offered to devices however many downloads are under way. */
  readonly critical?: true;
  readonly notes?: string;
  readonly signature?: ReleaseSignature;
}

/** The release's version in its normal spelling. */
export function releaseId(release: Release): ReleaseId {
  const version = parse(release.version);
  return version === undefined ? release.version : normal(version);
}

/** The mtime of the release's files, in seconds since the epoch. */
export function mtimeOf(release: Release): number {
  return Math.floor(Date.parse(release.publishedAt) / 1000);
}

/** All files of a release. */
export function filesOf({ plain, signed }: Release): readonly ReleaseFile[] {
  return signed === undefined ? [plain] : [plain, signed];
}

/** Where a firmware server has a file. */
export function blobPath(sha256: string): string {
  return `/blobs/${sha256}.bin`;
}

/** The ETag that NGINX gives a file of this mtime (seconds since the epoch) and size, on every server the same. */
export function etagOf(mtime: number, size: number): string {
  return `"${mtime.toString(16)}-${size.toString(16)}"`;
}

export function encodeRelease(release: Release): string {
  return JSON.stringify(release);
}

/** Reads the record of the release with this version; it is untrusted. Never throws. */
export function decodeRelease(id: ReleaseId, text: string): Result<Release> {
  const release = readRecord(text, readRelease);
  if (!release.ok || releaseId(release.value) === id) return release;
  return err(`version must be ${id}, as in its key, got ${release.value.version}`);
}

function readRelease(fields: Fields): Release {
  return defined({
    version: fields.required('version', versionText),
    publishedAt: fields.required('publishedAt', time),
    publishedBy: fields.required('publishedBy', prose(200)),
    plain: fields.object('plain', readFile),
    signed: fields.optionalObject('signed', readFile),
    image: fields.object('image', readImage),
    from: fields.optional('from', parseReleaseId),
    through: fields.optional('through', trueFlag),
    critical: fields.optional('critical', trueFlag),
    notes: fields.optional('notes', prose(2000)),
    signature: fields.optionalObject('signature', readSignature),
  });
}

const sha256 = matching(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex');
const md5 = matching(/^[0-9a-f]{32}$/, 'an MD5 in lower-case hex');
const revision = integer(0, 65_535);

const versionText: Reader<string> = (value) =>
  typeof value === 'string' && parse(value) !== undefined
    ? ok(value)
    : err('must be a version such as 1.3.0');

/** A time without fractions of a second: what is signed has none. */
const wholeSeconds: Reader<string> = (value) => {
  const read = time(value);
  return !read.ok || read.value.endsWith('.000Z') ? read : err('must be a time in whole seconds');
};

function readFile(fields: Fields): ReleaseFile {
  return {
    sha256: fields.required('sha256', sha256),
    md5: fields.required('md5', md5),
    size: fields.required('size', integer(1, MAX_IMAGE)),
  };
}

function readSignature(fields: Fields): ReleaseSignature {
  return {
    keyId: fields.required('keyId', matching(/^[0-9a-f]{16}$/, 'the 16 hex digits of a key')),
    value: fields.required('value', matching(/^[A-Za-z0-9+/]{86}==$/, 'an Ed25519 signature in base64')),
    notBefore: fields.required('notBefore', wholeSeconds),
    expires: fields.required('expires', wholeSeconds),
  };
}

function readImage(fields: Fields): ImageFacts {
  return defined({
    chip: fields.required('chip', oneOf(CHIP_NAMES)),
    minRevision: fields.optional('minRevision', revision),
    maxRevision: fields.optional('maxRevision', revision),
    version: fields.optional('version', prose(64)),
    project: fields.optional('project', prose(64)),
    secureVersion: fields.optional('secureVersion', integer(0, 4_294_967_295)),
    built: fields.optional('built', prose(64)),
    idf: fields.optional('idf', prose(64)),
    elfSha256: fields.optional('elfSha256', sha256),
    appSha256: fields.optional('appSha256', sha256),
    secureBoot: fields.required('secureBoot', oneOf(SECURE_BOOTS)),
  });
}
