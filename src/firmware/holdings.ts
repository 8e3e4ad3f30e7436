import type { KeyPrefixes } from '../core/keys.js';
import { stonesBelow } from './chain.js';
import { parseFirmwareKey, releaseKey } from './keys.js';
import type { ReleaseId } from './names.js';
import { filesOf, mtimeOf, type ReleaseFile } from './release.js';
import { regionOf } from './shared/region.js';
import type { TypeState } from './type-state.js';

/** A file that releases name, as every firmware server must hold it. */
export interface WantedFile extends ReleaseFile {
  /** In seconds since the epoch: that of the earliest release with this file, so that all servers give the same ETag. */
  readonly mtime: number;
  /** The releases that name it, such as `lamp 1.3.0`. */
  readonly releases: readonly string[];
  /** The etcd revision at which the first of these releases was created. */
  readonly revision: number;
}

/** What firmware servers must hold. */
export interface WantedFiles {
  /** By SHA-256. */
  readonly files: ReadonlyMap<string, WantedFile>;
  /** The revision of the newest release, or of the newest key that may be a release and cannot be read; 0 where there is none. */
  readonly revision: number;
  /** The revision of the oldest key that may be a release and cannot be read: a newer sidekick may have written it. */
  readonly unknownFrom: number | undefined;
}

/**
 * Whether a firmware server must hold the files of a type. It must hold those of its own region and those for all regions; a
 * server without a region must hold all files.
 */
export function mustHold({ region }: { readonly region?: string }, type: string): boolean {
  const other = regionOf(type);
  return region === undefined || other === '' || other === region;
}

/** Every file of these types that a firmware server must hold. The default is a server without a region. */
export function wantedFiles(
  prefixes: KeyPrefixes,
  types: Iterable<TypeState>,
  server: { readonly region?: string } = {},
): WantedFiles {
  const states = [...types];
  const held = states.filter(({ type }) => mustHold(server, type));
  const files = new Map<string, WantedFile>();
  for (const file of held.flatMap((state) => filesOfType(prefixes, state))) {
    files.set(file.sha256, merge(files.get(file.sha256), file));
  }
  const unknown = held.flatMap((state) => unknownReleases(prefixes, state));
  // Releases of other regions count too: a server that needs none of their files has all it needs of them.
  const revisions = states.flatMap((state) => [
    ...[...state.releases.keys()].map((version) => revisionOf(prefixes, state, version)),
    ...unknownReleases(prefixes, state),
  ]);
  return {
    files,
    revision: revisions.reduce((highest, revision) => Math.max(highest, revision), 0),
    unknownFrom: unknown.length === 0 ? undefined : Math.min(...unknown),
  };
}

/** The files of a type's releases: once for each release that names the file. */
function filesOfType(prefixes: KeyPrefixes, state: TypeState): readonly WantedFile[] {
  return [...state.releases].flatMap(([version, release]) => {
    const named = {
      mtime: mtimeOf(release),
      releases: [`${state.type} ${release.version}`],
      revision: revisionOf(prefixes, state, version),
    };
    return filesOf(release).map((file) => ({ ...file, ...named }));
  });
}

/** The revisions of a type's keys that may be releases and cannot be read. */
function unknownReleases(prefixes: KeyPrefixes, { unreadable, written }: TypeState): readonly number[] {
  return unreadable.flatMap(({ key }) => {
    const parsed = parseFirmwareKey(prefixes, key);
    return parsed.ok && parsed.value.kind === 'release' ? [written.get(key) ?? 0] : [];
  });
}

function merge(known: WantedFile | undefined, file: WantedFile): WantedFile {
  if (known === undefined) return file;
  return {
    ...known,
    mtime: Math.min(known.mtime, file.mtime),
    releases: [...known.releases, ...file.releases],
    revision: Math.min(known.revision, file.revision),
  };
}

/** The wanted files that are missing. Those of the newest release come first, because somebody waits for them. */
export function missingFiles({ files }: WantedFiles, held: ReadonlySet<string>): readonly WantedFile[] {
  return [...files.values()]
    .filter(({ sha256 }) => !held.has(sha256))
    .sort((a, b) => b.revision - a.revision);
}

/**
 * The etcd revision up to which a firmware server has every file that it must hold. It announces this revision as
 * `meta.firmware`. A release is offered while no registered server that must hold it announces a lower revision than the
 * release's own.
 */
export function heldUpTo(wanted: WantedFiles, held: ReadonlySet<string>): number {
  const missing = missingFiles(wanted, held).map(({ revision }) => revision);
  const limits = [...missing, ...(wanted.unknownFrom === undefined ? [] : [wanted.unknownFrom])];
  return limits.length === 0 ? wanted.revision : Math.min(...limits) - 1;
}

/** The files that may be offered at any moment: those of the releases that rollouts name, and of the stepping stones to them. */
export function offerableFiles(types: Iterable<TypeState>): ReadonlySet<string> {
  const files = new Set<string>();
  for (const { rollout, releases } of types) {
    const targets = [rollout?.stable, rollout?.candidate?.version].filter((id) => id !== undefined);
    const offerable = new Set(targets.flatMap((id) => [id, ...stonesBelow(releases, id)]));
    for (const id of offerable) {
      const release = releases.get(id);
      for (const { sha256 } of release ? filesOf(release) : []) files.add(sha256);
    }
  }
  return files;
}

/** The etcd revision at which a release was created; 0 where there is no such release. */
export function revisionOf(prefixes: KeyPrefixes, state: TypeState, version: ReleaseId): number {
  return state.written.get(releaseKey(prefixes, state.type, version)) ?? 0;
}
