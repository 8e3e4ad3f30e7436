import type { ReleaseId } from './names.js';
import type { Progress, ShadowProgress } from './progress.js';
import { total } from './statistics.js';
import type { TypeState } from './type-state.js';
import type { TypeStatus } from './type-status.js';

/** Seconds over which devices spread their questions where nobody knows how many there are. */
const DEFAULT_SPREAD = 600;
/** The least and the most, in seconds: 10 s and a day. */
const MIN_SPREAD = 10;
const MAX_SPREAD = 86_400;

/** What a device writes to its flash while it downloads, in bytes/s, where the rollout sets no lower rate. */
const DEVICE_RATE = 50_000;

/** The devices that ask because of an announcement. */
interface Wave {
  /** About how many there are, or how many at least. */
  readonly devices: number;
  /** Whether there may be many more. */
  readonly isLeast: boolean;
}

/**
 * Seconds over which the devices that an announcement calls are to spread their questions, so that their downloads fit
 * into the slots of the firmware servers.
 * @param version The release that is announced.
 * @param slots How many downloads at a time the servers carry.
 */
export function spreadOf(state: TypeState, status: TypeStatus, version: ReleaseId, slots: number): number {
  const wave = status.candidate?.version === version ? waveOfCandidate(state, status) : waveOfAll(state);
  return spreadOver(wave, secondsOf(state, status, version), slots);
}

/** See `spreadOf`. Where a wave may be larger than is known, it is at least the default. */
export function spreadOver({ devices, isLeast }: Wave, secondsEach: number, slots: number): number {
  const least = isLeast ? DEFAULT_SPREAD : MIN_SPREAD;
  const needed = Math.ceil((devices * secondsEach) / Math.max(1, slots));
  return Math.min(MAX_SPREAD, Math.max(least, needed));
}

/** How long a device downloads a release. */
function secondsOf({ releases }: TypeState, { candidate }: TypeStatus, version: ReleaseId): number {
  const { size = 0 } = releases.get(version)?.plain ?? {};
  const limit = candidate?.version === version ? candidate.rate : undefined;
  return size / Math.min(DEVICE_RATE, limit ?? DEVICE_RATE);
}

/** Those among the candidate's share, its groups and the rescued, without those that have been offered it. */
function waveOfCandidate(state: TypeState, { candidate, progress, shadow }: TypeStatus): Wave {
  const { percent = 0, groups = [], rescue = [] } = candidate ?? {};
  const members = groups.reduce((sum, group) => sum + (state.groups.get(group)?.length ?? 0), 0);
  const rescued = rescue.reduce((sum, version) => sum + counted(state, version).downloaded, 0);
  const besides = members + rescued;
  const fleet = Math.max(fleetOf(progress, besides), fleetBehind(shadow));
  const among = Math.max(fleet, largestKnown(state)) * (percent / 100) + besides;
  const offered = (progress?.all.offered ?? 0) * (progress?.sample ?? 1);
  return { devices: Math.max(0, among - offered), isLeast: fleet === 0 && percent > 0 };
}

/** Every device of the type, as far as any release has been offered: nobody knows to which share. */
function waveOfAll(state: TypeState): Wave {
  return { devices: largestKnown(state), isLeast: true };
}

/**
 * About how many devices a type has, by how many of a share have been offered the candidate; 0 where nobody knows. The
 * last share tells nothing: its devices may not have asked yet.
 * @param besides How many are offered it whatever the share.
 */
export function fleetOf(progress: Pick<Progress, 'phases' | 'sample'> | undefined, besides: number): number {
  const { phases = [], sample = 1 } = progress ?? {};
  let offered = -besides;
  let percent = 0;
  let fleet = 0;
  for (const phase of phases.slice(0, -1)) {
    offered += phase.offered * sample;
    percent = Math.max(percent, phase.percent);
    if (percent > 0) fleet = Math.max(fleet, (100 * offered) / percent);
  }
  return fleet;
}

/** The same, by how many the share of a shadow has. */
function fleetBehind(shadow: ShadowProgress | undefined): number {
  return shadow === undefined || shadow.percent === 0 ? 0 : (100 * shadow.devices) / shadow.percent;
}

/** The most devices that were ever offered a release of the type, as far as that is kept. */
function largestKnown(state: TypeState): number {
  const versions = new Set([...state.outcomes.values()].flatMap(({ counts }) => [...counts.keys()]));
  return Math.max(0, ...[...versions].map((version) => counted(state, version).offered));
}

/** What was counted of a release. A device that stands for others is counted once for each of them. */
function counted({ outcomes }: TypeState, version: ReleaseId): { offered: number; downloaded: number } {
  const { offered, downloaded } = total(outcomes.values(), version);
  const sample = Math.max(1, ...[...outcomes.values()].map((record) => record.sample));
  return { offered: offered * sample, downloaded: downloaded * sample };
}
