import { defined } from '../core/defined.js';
import { quote } from '../core/result.js';
import { refuseChain } from './chain.js';
import { concat, type Hash } from './image/bytes.js';
import { type FirmwareFile, fileOf } from './image/image.js';
import { compareReleases, newestFirst, parseType, type ReleaseId } from './names.js';
import { publishableVersion } from './publishable-version.js';
import { type Checked, passed, type Refusal, refused, refusedUnlessForced } from './refusal.js';
import { filesOf, type Release, type ReleaseFile } from './release.js';
import type { Author } from './rollout.js';
import { normal, parse } from './shared/version.js';
import { type ReleaseSigner, signRelease } from './signature.js';
import { ANSWER_FORMS, type FirmwareType, MAX_IMAGE } from './type-record.js';
import type { TypeState } from './type-state.js';
import { refuseUnreadable } from './unreadable.js';

/** What is to be published, and what there is already. */
export interface PublishInput {
  readonly state: TypeState;
  /** Where the type is the line of a region: the line of all regions, whose devices it takes over. */
  readonly base?: TypeState;
  readonly version: string;
  readonly file: FirmwareFile;
  /** A signature to put in front of the image, in place of the one that the file has. */
  readonly signature?: Uint8Array;
  /** What the type is to be: for its first release, or with `force`. */
  readonly settings: TypeSettings;
  readonly from?: ReleaseId;
  readonly through?: true;
  readonly critical?: true;
  readonly notes?: string;
  /** Who vouches for the release. */
  readonly signer?: ReleaseSigner;
  readonly author: Author;
  readonly force: boolean;
}

/** What an operator says of a type; the rest its first image says. */
type TypeSettings = Partial<Pick<FirmwareType, 'forms' | 'maxSize' | 'signatureLength' | 'clientId'>>;

/** What publishing means: files for the firmware servers, then records for etcd. */
export interface Publication {
  readonly id: ReleaseId;
  readonly record: FirmwareType;
  readonly release: Release;
  /** The bytes of each of the release's files. */
  readonly files: readonly { readonly file: ReleaseFile; readonly bytes: Uint8Array }[];
  /** Warnings, which do not stop the publication. */
  readonly warnings: readonly string[];
}

/** Checks a file as a release of a type. Nothing has been sent or written when it is refused. */
export function preparePublication(given: PublishInput, hash: Hash): Checked<Publication> {
  const input = { ...given, state: withBaseRecord(given) };
  const record = recordOf(input);
  const id = publishableVersion(input.version, record.forms);
  if (!id.ok) return id;
  const release = releaseOf(input, hash);
  const candidate = { ...input, id: id.value, record, release };
  for (const check of CHECKS) {
    const refusal = check(candidate);
    if (refusal !== undefined && !(input.force && refusal.forceable)) return { ok: false, refusal };
  }
  const bytes = [input.file.image, signedBytes(input)];
  const files = filesOf(release).map((file, i) => ({ file, bytes: bytes[i] ?? input.file.image }));
  return passed({ id: id.value, record, release, files, warnings: warningsOf(candidate) });
}

interface Prepared extends PublishInput {
  readonly id: ReleaseId;
  readonly record: FirmwareType;
  readonly release: Release;
}

type Check = (prepared: Prepared) => Refusal | undefined;

/** Devices of a region are what devices of the type are everywhere. */
function withBaseRecord({ state, base }: PublishInput): TypeState {
  return { ...state, record: state.record ?? base?.record };
}

/** The record as it is, or as the first release or an operator who knows better makes it. */
function recordOf({ state, file, settings, force, ...rest }: PublishInput): FirmwareType {
  if (state.record !== undefined && !force) return state.record;
  const signature = rest.signature ?? file.signature;
  return defined({
    chip: file.facts.chip,
    project: file.facts.project ?? state.record?.project,
    forms: settings.forms ?? state.record?.forms ?? ANSWER_FORMS,
    signatureLength: settings.signatureLength ?? (signature?.length || state.record?.signatureLength),
    maxSize: settings.maxSize ?? state.record?.maxSize,
    clientId: settings.clientId ?? state.record?.clientId,
  });
}

function releaseOf(input: PublishInput, hash: Hash): Release {
  const signed = signedBytes(input);
  const { version, author, file, from, through, critical, notes, signer } = input;
  const seconds = Math.floor(Date.parse(author.at) / 1000);
  const release: Release = defined({
    version,
    publishedAt: new Date(seconds * 1000).toISOString(),
    publishedBy: author.by,
    plain: fileOf(file.image, hash),
    signed: signed === undefined ? undefined : fileOf(signed, hash),
    image: file.facts,
    from,
    through,
    critical,
    notes,
  });
  if (signer === undefined) return release;
  return { ...release, signature: signRelease(input.state.type, release, author.at, signer) };
}

function signatureOf({ signature, file }: PublishInput): Uint8Array | undefined {
  return signature ?? file.signature;
}

function signedBytes(input: PublishInput): Uint8Array | undefined {
  const signature = signatureOf(input);
  if (signature === undefined) return undefined;
  return concat(signature, input.file.image);
}

/** The order matters: an operator reads of a mistake before its consequences. */
const CHECKS: readonly Check[] = [
  typeName,
  ({ state }) => refuseUnreadable(state),
  chip,
  settingsStay,
  signature,
  size,
  exists,
  sameImage,
  stated,
  backwards,
  project,
  secureVersion,
  fromEarlier,
  stones,
  waysStay,
];

function typeName({ state }: Prepared): Refusal | undefined {
  const type = parseType(state.type);
  return type.ok ? undefined : refused('type-name', type.reason, 'choose another name').refusal;
}

function chip({ state, file }: Prepared): Refusal | undefined {
  const expected = state.record?.chip;
  const found = file.facts.chip;
  if (expected === undefined || expected === found) return undefined;
  const reason = `the image is for ${found}, but devices of type ${state.type} are ${expected}`;
  return refusedUnlessForced('wrong-chip', reason, 'publish it under a type of its own').refusal;
}

function settingsStay({ state, settings, force }: Prepared): Refusal | undefined {
  const { record } = state;
  if (record === undefined || force) return undefined;
  const names = ['forms', 'maxSize', 'signatureLength', 'clientId'] as const;
  const changed = names.find(
    (name) => settings[name] !== undefined && text(settings[name]) !== text(record[name]),
  );
  if (changed === undefined) return undefined;
  const reason = `${changed} of type ${state.type} is ${text(record[changed])}, not ${text(settings[changed])}`;
  return refusedUnlessForced('type-changed', reason, 'leave it out').refusal;
}

/** A setting for people, the same for every order of a list. */
function text(value: TypeSettings[keyof TypeSettings]): string {
  if (typeof value === 'object') return value.toSorted().join(', ');
  return value === undefined ? 'not set' : String(value);
}

function signature(prepared: Prepared): Refusal | undefined {
  const { state, record } = prepared;
  const found = signatureOf(prepared)?.length;
  const expected = record.signatureLength;
  if (expected === found) return undefined;
  if (found === undefined) {
    const reason = `devices of type ${state.type} check a signature of ${expected} bytes, but the file has none`;
    return refused('signature-missing', reason, 'sign it with --sign KEY').refusal;
  }
  if (expected === undefined) {
    const reason = `the file begins with a signature, but devices of type ${state.type} check none`;
    return refusedUnlessForced('signature-unwanted', reason, 'publish the bare image').refusal;
  }
  return refused(
    'signature-length',
    `the signature has ${found} bytes, as of a key of RSA-${found * 8}, and devices of type ${state.type} cut off ${expected}`,
    `sign with a key of RSA-${expected * 8}`,
  ).refusal;
}

function size({ state, record, file }: Prepared): Refusal | undefined {
  const { length } = file.image;
  const max = record.maxSize ?? MAX_IMAGE;
  if (length <= max) return undefined;
  const reason = `the image has ${length} bytes, but the slot of type ${state.type} has only ${max}`;
  return refused('too-large', reason, 'make the image smaller: devices could not store it').refusal;
}

function exists({ state, id, release }: Prepared): Refusal | undefined {
  const there = state.releases.get(id);
  if (there === undefined) return undefined;
  const published = `${there.version} of type ${state.type} was published at ${there.publishedAt} by ${there.publishedBy}`;
  if (there.plain.sha256 === release.plain.sha256) {
    return refused('already-published', `${published}, with this very image`, 'there is nothing to do')
      .refusal;
  }
  return refused(
    'version-exists',
    `${published} with another image, and a release never changes`,
    `build it again under a higher number than ${newestFirst(state.releases.keys())[0] ?? id}`,
  ).refusal;
}

/** A device with an old image under a new version is told of a newer release for ever, and installs it again and again. */
function sameImage({ state, id, release }: Prepared): Refusal | undefined {
  const same = [...state.releases].find(
    ([other, { plain }]) => other !== id && plain.sha256 === release.plain.sha256,
  );
  if (same === undefined) return undefined;
  return refusedUnlessForced(
    'same-image',
    `the image is that of ${same[0]}: devices that run it would install it again and again`,
    'build it again with its new version in it',
  ).refusal;
}

function stated({ id, file, version }: Prepared): Refusal | undefined {
  const own = file.facts.version;
  if (own === undefined) return undefined;
  const known = parse(own);
  if (known === undefined ? own === version : normal(known) === id) return undefined;
  return refusedUnlessForced(
    'version-differs',
    `the image says that it is version ${quote(own)}, not ${version}: devices would install it again and again`,
    'build it with this version (PROJECT_VER, or version.txt)',
  ).refusal;
}

function backwards({ state, id, version }: Prepared): Refusal | undefined {
  const newest = newestFirst(state.releases.keys())[0];
  if (newest === undefined || compareReleases(id, newest) >= 0) return undefined;
  return refusedUnlessForced(
    'version-backwards',
    `${version} comes before ${newest}, which is published already`,
    `give it a number above ${newest}`,
  ).refusal;
}

function project({ state, file }: Prepared): Refusal | undefined {
  const expected = state.record?.project;
  const found = file.facts.project;
  if (expected === undefined || found === undefined || expected === found) return undefined;
  const reason = `the image is of project ${quote(found)}, but type ${state.type} is ${quote(expected)}`;
  return refusedUnlessForced('project-changed', reason, 'check that it is the right file').refusal;
}

function secureVersion({ state, base, file }: Prepared): Refusal | undefined {
  const reached = Math.max(state.rollout?.secureVersion ?? 0, base?.rollout?.secureVersion ?? 0);
  const found = file.facts.secureVersion;
  if (found === undefined || found >= reached) return undefined;
  return refused(
    'secure-version',
    `the image has secure_version ${found}, and devices have been offered ${reached}: they would not boot it`,
    `build it with secure_version ${reached} or higher`,
  ).refusal;
}

function fromEarlier({ id, version, from }: Prepared): Refusal | undefined {
  if (from === undefined || compareReleases(from, id) < 0) return undefined;
  const reason = `no device could take ${version}: it would require ${from} or newer`;
  return refused('from', reason, `give a version below ${version}`).refusal;
}

/** Most stepping stones of a type: every NGINX has a key for each. */
const MAX_STONES = 20;

function stones({ state, through }: Prepared): Refusal | undefined {
  if (through === undefined) return undefined;
  const count = [...state.releases.values()].filter((release) => release.through === true).length;
  if (count < MAX_STONES) return undefined;
  const reason = `type ${state.type} has ${count} stepping stones, and cannot have more`;
  return refused('too-many-stones', reason, 'publish it without --through').refusal;
}

/** A release below what is offered may change the way of devices to that. */
function waysStay({ state, id, release }: Prepared): Refusal | undefined {
  const steps = new Map([...state.releases, [id, release]]);
  const { stable, previous, candidate } = state.rollout ?? {};
  for (const target of [stable, previous, candidate?.version]) {
    if (target === undefined || refuseChain(state.releases, target) !== undefined) continue;
    const refusal = refuseChain(steps, target);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function warningsOf({ state, file, id, release }: Prepared): readonly string[] {
  const { facts } = file;
  const before = newestFirst(state.releases.keys()).find((other) => other !== id);
  const last = before === undefined ? undefined : state.releases.get(before)?.image;
  const warnings: (string | undefined)[] = [
    facts.version === undefined
      ? 'the image does not say its version: make sure that the sketch reports the version that you publish'
      : undefined,
    raised(facts.secureVersion, state.rollout?.secureVersion ?? last?.secureVersion)
      ? `secure_version rises to ${facts.secureVersion}: devices that boot it never go back below`
      : undefined,
    raised(facts.minRevision, last?.minRevision)
      ? `the image needs chip revision ${facts.minRevision}, and ${before} needed ${last?.minRevision}: older boards will refuse it`
      : undefined,
    wayWarning(new Map([...state.releases, [id, release]]), id),
  ];
  return warnings.filter((warning) => warning !== undefined);
}

/** What `rollout` will refuse. */
function wayWarning(steps: ReadonlyMap<ReleaseId, Release>, id: ReleaseId): string | undefined {
  const refusal = refuseChain(steps, id);
  return refusal && `it cannot be rolled out yet: ${refusal.reason}; ${refusal.remedy}`;
}

function raised(value: number | undefined, before: number | undefined): boolean {
  return value !== undefined && before !== undefined && value > before;
}
