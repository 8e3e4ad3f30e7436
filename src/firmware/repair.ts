import { concat, type Hash, hex } from './image/bytes.js';
import type { FirmwareFile } from './image/image.js';
import type { Publication } from './publish.js';
import { type Checked, passed, refused } from './refusal.js';
import { type Release, releaseId } from './release.js';
import type { TypeState } from './type-state.js';

/** A release that there is, with the bytes of its files. */
export type Repair = Pick<Publication, 'release' | 'files'>;

/**
 * The files of a published release, from the file that it was published from: for files that no firmware server has any
 * more. Another file is refused, since a release never changes.
 * @param signature What is in front of the signed image, where the file does not have it.
 */
export function prepareRepair(
  state: TypeState,
  version: string,
  file: FirmwareFile,
  signature: Uint8Array | undefined,
  hash: Hash,
): Checked<Repair> {
  const release = [...state.releases.values()].find((one) => isVersion(one, version));
  if (release === undefined) {
    return refused(
      'no-release',
      `type ${state.type} has no release ${version}`,
      'publish it without --repair',
    );
  }
  const front = signature ?? file.signature;
  const candidates = [file.image, ...(front === undefined ? [] : [concat(front, file.image)])];
  const wanted = release.signed === undefined ? [release.plain] : [release.plain, release.signed];
  const files = wanted.map((one, i) => ({ file: one, bytes: candidates[i] ?? new Uint8Array() }));
  if (files.every(({ file: { sha256 }, bytes }) => hex(hash('sha256', bytes)) === sha256)) {
    return passed({ release, files });
  }
  return refused(
    'version-exists',
    `release ${version} of type ${state.type} was published from another file, and a release never changes`,
    'give that file, and --sign if it was signed then',
  );
}

function isVersion(release: Release, version: string): boolean {
  return release.version === version || releaseId(release) === version;
}
