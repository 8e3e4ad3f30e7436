import { createHash, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { HttpBlobUploader } from '../../adapters/blobs/uploader.js';
import { refuseProblems } from '../../config/engine/problem.js';
import { createFileReader } from '../../config/engine/secret-files.js';
import {
  type firmwarePublishScope,
  type UploadSettings,
  uploadSettings,
} from '../../config/firmware/publish.js';
import { releaseSigner } from '../../config/firmware/release-keys.js';
import { hostOf } from '../../core/address.js';
import { defined } from '../../core/defined.js';
import { messageOf, UsageError } from '../../core/errors.js';
import { readServers } from '../../daemon/firmware/announced.js';
import { awaitSpread, publishRelease, uploadFiles } from '../../daemon/firmware/publisher.js';
import { FirmwareRepository } from '../../daemon/firmware/repository.js';
import { mustHold } from '../../firmware/holdings.js';
import type { Hash } from '../../firmware/image/bytes.js';
import { type FirmwareFile, readEsp8266, readFirmware } from '../../firmware/image/image.js';
import { type Publication, preparePublication } from '../../firmware/publish.js';
import type { Checked } from '../../firmware/refusal.js';
import { type Release, type ReleaseSignature, releaseId } from '../../firmware/release.js';
import { prepareRepair, type Repair } from '../../firmware/repair.js';
import type { Author } from '../../firmware/rollout.js';
import { regionOf, typeOf } from '../../firmware/shared/region.js';
import { type ReleaseSigner, signRelease } from '../../firmware/signature.js';
import type { TypeState } from '../../firmware/type-state.js';
import type { InvocationOf } from '../command.js';
import { notFound } from '../not-found.js';
import { printJson } from '../print-json.js';
import { printLines } from '../print-lines.js';
import { waitWithProgress } from '../wait-with-progress.js';
import { type EtcdSession, operatorName, withEtcd } from '../with-etcd.js';
import { changedMeanwhile, refusalError } from './change.js';
import { readGiven } from './given-file.js';
import { UploadProgress } from './upload-progress.js';

type Order = InvocationOf<typeof firmwarePublishScope>;

/** Where a firmware server takes uploads unless told otherwise. */
const UPLOAD_PORT = 8443;

const SECONDS_A_DAY = 86_400;

const hash: Hash = (algorithm, bytes) => createHash(algorithm).update(bytes).digest();

/** `sidekick firmware publish FILE`: checks an image, uploads it, and creates its release. Nothing is offered yet. */
export async function publishCommand(order: Order): Promise<number> {
  const { values } = order.config;
  const [path = ''] = order.args;
  const type = given('type', values.type);
  const version = given('version', values.version);
  const image = readGiven('file', path);
  const file = checkedValue((values.chip === 'esp8266' ? readEsp8266 : readFirmware)(image, hash));
  const signature = values.sign === undefined ? undefined : signed(file, keyOf(values.sign));
  const files = createFileReader(order.sources.env);
  const upload = uploadSettings(values.upload, files);
  const signer = releaseSigner('signRelease', values.signRelease, values.valid * SECONDS_A_DAY, files);
  refuseProblems(files.problems);
  await withEtcd(order, async (session) => {
    const repository = new FirmwareRepository(session.store, session.prefixes);
    const state = await repository.type(type, session.signal);
    const base = regionOf(type) === '' ? undefined : await repository.type(typeOf(type), session.signal);
    const author = { by: operatorName(order.sources.env), at: new Date().toISOString() };
    const { forms, maxSize, signatureLength, clientId, from, notes, force } = values;
    const through = values.through || undefined;
    const critical = values.critical || undefined;
    const release = { from, through, critical, notes, signer };
    const input = defined({ state, base, version, file, signature, author, force, ...release });
    const settings = defined({ forms, maxSize, signatureLength, clientId });
    const uploader = new HttpBlobUploader(await destination(upload, type, values.service, session));
    try {
      const work = { order, session, repository, uploader, state, author };
      if (values.repair)
        await repair(work, checkedValue(prepareRepair(state, version, file, signature, hash)), signer);
      else await publish(work, checkedValue(preparePublication({ ...input, settings }, hash)));
    } finally {
      await uploader.close();
    }
  });
  return 0;
}

interface Work {
  readonly order: Order;
  readonly session: EtcdSession;
  readonly repository: FirmwareRepository;
  readonly uploader: HttpBlobUploader;
  readonly state: TypeState;
  readonly author: Author;
}

async function publish(work: Work, publication: Publication): Promise<void> {
  const { order, session, repository, uploader, state, author } = work;
  const { out, err } = order;
  printLines(err, ...publication.warnings.map((warning) => `warning: ${warning}`));
  const progress = new UploadProgress(err);
  const ports = { registry: session.store, repository, uploader, progress };
  const result = await publishRelease(state, publication, author, ports, session.signal);
  progress.end();
  if (!result.made) throw changedMeanwhile(state.type, result.by);
  const { version } = publication.release;
  const published = { type: state.type, version, revision: result.revision, release: publication.release };
  if (!order.config.values.json) printLines(out, `${state.type} ${version} is published`);
  await untilSpread(work, result.revision, publication.release, progress);
  if (order.config.values.json) printJson(out, published);
  else printLines(out, `every firmware server has it: sidekick firmware rollout ${state.type} --percent 1`);
}

async function untilSpread(
  { order, session, state: { type } }: Work,
  revision: number,
  release: Release,
  progress: UploadProgress,
): Promise<void> {
  const { timeout, service } = order.config.values;
  const unsigned =
    release.signature === undefined
      ? '; sidekicks with firmware.releaseKeys do not fetch it, since it is not signed: see --sign-release'
      : '';
  const wait = {
    out: order.err,
    timeout,
    what: () => progress.spread,
    otherwise: `the release is published, and is offered to nobody before every firmware server has its files${unsigned}`,
  };
  await waitWithProgress(wait, session.signal, (limited) =>
    awaitSpread(
      type,
      revision,
      { prefixes: session.prefixes, service },
      { registry: session.store, progress },
      limited,
    ),
  );
}

/** Uploads the files of a release again, and signs it anew with a key. The file has to be the one that was published. */
async function repair(
  work: Work,
  { release, files }: Repair,
  signer: ReleaseSigner | undefined,
): Promise<void> {
  const { order, session, uploader, state } = work;
  const progress = new UploadProgress(order.err);
  await uploadFiles(release, files, uploader, progress, session.signal);
  progress.end();
  const signature = signer && (await signAnew(work, release, signer));
  const { version } = release;
  const result = defined({ type: state.type, version, repaired: uploader.name, signature });
  if (order.config.values.json) return printJson(order.out, result);
  const text = signature === undefined ? '' : `; its record is signed until ${signature.expires}`;
  printLines(order.out, `${uploader.name} has the files of ${state.type} ${version} again${text}`);
}

async function signAnew(
  { session, repository, state, author }: Work,
  release: Release,
  signer: ReleaseSigner,
): Promise<ReleaseSignature> {
  const { version } = release;
  const signature = signRelease(state.type, release, author.at, signer);
  const text = `signed ${version} anew with key ${signature.keyId}, until ${signature.expires}`;
  const entry = { ...author, action: 'publish' as const, version: releaseId(release), text };
  const signedAnew = { ...release, signature };
  const result = await repository.change(state, { entry, signedAnew }, session.signal);
  if (!result.made) throw changedMeanwhile(state.type, result.by);
  return signature;
}

/** The upload listener to use: the one that was named, or that of a registered firmware server that has to hold the type. */
async function destination(
  settings: UploadSettings,
  type: string,
  service: string,
  { store, prefixes, signal }: EtcdSession,
): Promise<UploadSettings & { readonly url: string }> {
  if (settings.url !== undefined) return { ...settings, url: settings.url };
  const servers = await readServers(store, { prefixes, service }, signal);
  const server = servers.find((one) => mustHold(one, type));
  if (server !== undefined) {
    const host = hostOf(server.address);
    return { ...settings, url: `https://${host.includes(':') ? `[${host}]` : host}:${UPLOAD_PORT}` };
  }
  throw notFound(
    `no firmware server that holds ${type} is registered as ${service}`,
    'name its upload listener: --upload-url https://10.0.0.11:8443',
  );
}

function given(name: string, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`${name}: is required: give --${name}`);
  return value;
}

function keyOf(path: string): KeyObject {
  const pem = readGiven('sign', path);
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch (error) {
    throw new UsageError(`sign: must be a file with a private key (PEM): ${messageOf(error)}`);
  }
  throw new UsageError('sign: must be a file with an RSA key: esp32FOTA checks no other');
}

/** As esp32FOTA checks it: PKCS #1 v1.5 over the SHA-256 of the bare image. Source: esp32FOTA's README. */
function signed({ image }: FirmwareFile, key: KeyObject): Uint8Array {
  return sign('sha256', image, key);
}

function checkedValue<T>(checked: Checked<T>): T {
  if (!checked.ok) throw refusalError(checked.refusal);
  return checked.value;
}
