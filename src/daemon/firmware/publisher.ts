import { sleep } from '../../async/sleep.js';
import { SidekickError } from '../../core/errors.js';
import type { RegistryClient } from '../../core/ports.js';
import { mustHold } from '../../firmware/holdings.js';
import type { BlobUploader } from '../../firmware/ports.js';
import type { Publication } from '../../firmware/publish.js';
import { etagOf, filesOf, mtimeOf, type Release } from '../../firmware/release.js';
import type { Author } from '../../firmware/rollout.js';
import type { TypeState } from '../../firmware/type-state.js';
import { type AnnouncedOptions, readServers } from './announced.js';
import type { ChangeResult, FirmwareRepository } from './repository.js';

/** Hears how far a publication has come. */
export interface PublishProgress {
  /** So many bytes of so many have been sent. */
  uploading(sent: number, total: number): void;
  /** These firmware servers, of so many that are registered, do not hold the release yet. */
  spreading(waitingFor: readonly string[], servers: number): void;
}

interface PublisherPorts {
  readonly registry: RegistryClient;
  readonly repository: FirmwareRepository;
  readonly uploader: BlobUploader;
  readonly progress: PublishProgress;
}

/** How often the registrations are looked at while the files spread, in ms. */
const POLL = 1_000;

/**
 * Uploads the files of a release to one firmware server, reads them back, and creates the release: until then nothing of
 * it is offered, and a publisher that is killed can be run again.
 */
export async function publishRelease(
  ground: TypeState,
  { record, release, files }: Publication,
  author: Author,
  { repository, uploader, progress }: PublisherPorts,
  signal: AbortSignal,
): Promise<ChangeResult> {
  await uploadFiles(release, files, uploader, progress, signal);
  const { version } = release;
  const entry = { ...author, action: 'publish' as const, text: `published ${version}` };
  return repository.change(ground, { entry, record, release }, signal);
}

/** Uploads the files of a release and reads them back. Rejects where the server then has something else. */
export async function uploadFiles(
  release: Release,
  files: Publication['files'],
  uploader: BlobUploader,
  progress: PublishProgress,
  signal: AbortSignal,
): Promise<void> {
  const mtime = mtimeOf(release);
  const total = filesOf(release).reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  for (const { file, bytes } of files) {
    const start = before;
    await uploader.put(file.sha256, mtime, bytes, (sent) => progress.uploading(start + sent, total), signal);
    before += file.size;
    const found = await uploader.readBack(file.sha256, signal);
    if (found?.sha256 !== file.sha256) {
      throw new SidekickError('UPLOAD', `${uploader.name} does not have the file that was sent to it`);
    }
    if (found.etag !== etagOf(mtime, file.size)) {
      const what = `${uploader.name} gives the file the ETag ${found.etag ?? '(none)'}, not ${etagOf(mtime, file.size)}`;
      throw new SidekickError('UPLOAD', `${what}: is it the firmware server of this project?`);
    }
  }
}

/**
 * Waits until every registered firmware server that has to hold a release of the type announces this revision, or until the
 * signal is aborted.
 */
export async function awaitSpread(
  type: string,
  revision: number,
  options: AnnouncedOptions,
  { registry, progress }: Pick<PublisherPorts, 'registry' | 'progress'>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const registered = await readServers(registry, options, signal);
    const servers = registered.filter((server) => mustHold(server, type));
    const waitingFor = servers
      .filter(({ heldUpTo = -1 }) => heldUpTo < revision)
      .map(({ address }) => address);
    progress.spreading(waitingFor, servers.length);
    if (servers.length > 0 && waitingFor.length === 0) return;
    await sleep(POLL, signal);
    signal.throwIfAborted();
  }
}
