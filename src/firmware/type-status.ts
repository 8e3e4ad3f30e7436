import type { KeyPrefixes } from '../core/keys.js';
import { refuseChain, stonesBelow } from './chain.js';
import { mustHold, revisionOf, type WantedFiles, wantedFiles } from './holdings.js';
import { newestFirst, type ReleaseId } from './names.js';
import type { FirmwareServer, Offering } from './offering.js';
import { type Progress, progressOf, type ShadowProgress, shadowOf } from './progress.js';
import type { Candidate, Paused } from './rollout.js';
import { regionOf } from './shared/region.js';
import { stepsOf, type TypeState, type UnreadableKey } from './type-state.js';

/** Who is offered what firmware of one type, and what is not offered yet, and why. Plain JSON. */
export interface TypeStatus {
  readonly type: string;
  /** As the rollout has them; none before the first rollout. */
  readonly stable?: ReleaseId;
  readonly candidate?: Candidate;
  /** Who stopped the candidate, when and why. */
  readonly paused?: Paused;
  /** What became of the devices that were offered the candidate, and what its next phase waits for. */
  readonly progress?: Progress;
  /** Whom a release would reach that is only counted. */
  readonly shadow?: ShadowProgress;
  /** The releases that devices are offered now. */
  readonly offered: readonly ReleaseId[];
  /** The releases that the rollout names, and the stepping stones to them, that no device is offered. */
  readonly withheld: readonly WithheldRelease[];
  /** The releases that no trusted key vouches for, the newest first: at most 20. */
  readonly rejected?: readonly { readonly version: ReleaseId; readonly reason: string }[];
  /** Keys of the type that cannot be read; what they hold counts as absent. */
  readonly unreadable: readonly UnreadableKey[];
}

interface WithheldRelease {
  readonly version: ReleaseId;
  /** In words, such as `10.0.0.12:8080 lacks a file of lamp 1.3.0`. */
  readonly reason: string;
  /** The firmware servers that have not said that they hold its files. */
  readonly waitingFor: readonly IncompleteServer[];
}

/** A firmware server that holds less than a release needs. */
interface IncompleteServer extends FirmwareServer {
  /** The oldest file that it lacks; undefined where it says nothing, or has not read etcd yet. */
  readonly lacks?: { readonly releases: readonly string[]; readonly files: readonly string[] };
}

interface TypeStatusInput {
  readonly prefixes: KeyPrefixes;
  readonly types: Iterable<TypeState>;
  /** The registered firmware servers that are not drained. */
  readonly servers: readonly FirmwareServer[];
  /** What cannot be offered whatever the servers hold: see `Offering`. */
  readonly problems: Offering['problems'];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The types by name, each with what its devices are offered. */
export function typeStatuses({
  prefixes,
  types,
  servers,
  problems,
  now,
}: TypeStatusInput): readonly TypeStatus[] {
  const states = [...types].sort((a, b) => (a.type < b.type ? -1 : 1));
  const ground: Ground = { prefixes, servers, wanted: wantedFiles(prefixes, states), now };
  return states.map((state) => {
    const problem = problems.find(({ type }) => type === state.type)?.reason;
    return typeStatus(ground, state, problem);
  });
}

interface Ground {
  readonly prefixes: KeyPrefixes;
  readonly servers: readonly FirmwareServer[];
  readonly wanted: WantedFiles;
  readonly now: number;
}

function typeStatus(ground: Ground, state: TypeState, problem: string | undefined): TypeStatus {
  const { stable, candidate, paused } = state.rollout ?? {};
  const active = paused === undefined ? candidate?.version : undefined;
  const targets = [stable, active].filter((version) => version !== undefined);
  const stones = targets.flatMap((version) => stonesBelow(stepsOf(state), version));
  const named = [...new Set([...targets, ...stones])];
  const progress = progressOf(state, ground.now);
  const shadow = shadowOf(state);
  const withheld = named.flatMap((version) => withheldRelease(ground, state, version, problem) ?? []);
  return {
    type: state.type,
    ...(stable !== undefined && { stable }),
    ...(candidate && { candidate }),
    ...(paused && { paused }),
    ...(progress && { progress }),
    ...(shadow && { shadow }),
    offered: named.filter((version) => !withheld.some((other) => other.version === version)),
    withheld,
    ...(state.rejected.size > 0 && { rejected: rejectedReleases(state) }),
    unreadable: state.unreadable,
  };
}

const REJECTED_SHOWN = 20;

function rejectedReleases({ rejected }: TypeState): NonNullable<TypeStatus['rejected']> {
  const newest = newestFirst(rejected.keys()).slice(0, REJECTED_SHOWN);
  return newest.map((version) => ({ version, reason: rejected.get(version)?.reason ?? '' }));
}

/** Why a release that the rollout names is not offered; undefined where it is. */
function withheldRelease(
  ground: Ground,
  state: TypeState,
  version: ReleaseId,
  problem: string | undefined,
): WithheldRelease | undefined {
  const because = (reason: string) => ({ version, reason, waitingFor: [] });
  if (problem !== undefined) return because(problem);
  if (state.record === undefined) return because('etcd has no record of this type');
  const rejected = state.rejected.get(version);
  if (rejected !== undefined) return because(rejected.reason);
  if (!state.releases.has(version)) return because('there is no such release, or it cannot be read');
  const broken = refuseChain(stepsOf(state), version);
  if (broken !== undefined) return because(broken.reason);
  if (ground.servers.length === 0) return because('no firmware server is registered');
  const servers = ground.servers.filter((server) => mustHold(server, state.type));
  if (servers.length === 0)
    return because(`no firmware server of region ${regionOf(state.type)} is registered`);
  const needed = revisionOf(ground.prefixes, state, version);
  const waitingFor = servers
    .filter(({ heldUpTo = -1 }) => heldUpTo < needed)
    .map((server) => incomplete(server, ground.wanted));
  if (waitingFor.length === 0) return undefined;
  return { version, reason: waitingFor.map(lackText).join('; '), waitingFor };
}

/** A server announces the revision before that of the oldest file that it lacks: see `heldUpTo`. */
function incomplete(server: FirmwareServer, { files }: WantedFiles): IncompleteServer {
  const next = [...files.values()].filter(({ revision }) => revision - 1 === server.heldUpTo);
  if (next.length === 0) return server;
  const releases = [...new Set(next.flatMap((file) => file.releases))];
  return { ...server, lacks: { releases, files: next.map(({ sha256 }) => sha256) } };
}

function lackText({ address, heldUpTo, lacks }: IncompleteServer): string {
  if (heldUpTo === undefined) return `${address} does not say which files it holds`;
  if (lacks === undefined) return `${address} has not caught up with etcd yet`;
  return `${address} lacks a file of ${lacks.releases.join(', ')}`;
}
