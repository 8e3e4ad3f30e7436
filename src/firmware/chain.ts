import { compareReleases, type ReleaseId } from './names.js';
import { type Refusal, refused } from './refusal.js';
import type { Release } from './release.js';

/** What of a type's releases decides how devices get from one to another. */
export type Steps = ReadonlyMap<ReleaseId, Pick<Release, 'from' | 'through'>>;

/** No version comes before it. Source: semver.org 2.0.0, section 11. */
const LOWEST: ReleaseId = '0.0.0-0';

/** The stepping stones on the way to a release, the lowest first. */
export function stonesBelow(releases: Steps, target: ReleaseId): readonly ReleaseId[] {
  return [...releases.keys()]
    .filter((id) => releases.get(id)?.through === true && compareReleases(id, target) < 0)
    .sort(compareReleases);
}

/**
 * The lowest version from which a device may begin its way to a release; undefined where every version may. Where the way
 * can be walked (see `refuseChain`), no later step asks for more.
 */
export function entryOf(releases: Steps, target: ReleaseId): ReleaseId | undefined {
  return releases.get(stonesBelow(releases, target)[0] ?? target)?.from;
}

/**
 * Why devices would get stuck on their way to a release; undefined where the way can be walked: whatever version a device
 * runs, if it may take any of the releases up to this one, it is led from stepping stone to stepping stone to it.
 */
export function refuseChain(releases: Steps, target: ReleaseId): Refusal | undefined {
  const way = [...stonesBelow(releases, target), target];
  const known = [...releases].filter(([id]) => compareReleases(id, target) <= 0);
  // Whatever is between two of these versions fares as the lower one does.
  const versions = [LOWEST, ...known.flatMap(([id, { from }]) => (from === undefined ? [id] : [id, from]))];
  for (const version of versions) {
    const obstacle = obstacleFrom(version, way, releases);
    if (obstacle === undefined) continue;
    const isServed = known.some(([id, { from }]) => isAbove(id, version) && mayTake(version, from));
    if (isServed) return brokenChain(target, obstacle);
  }
  return undefined;
}

/** A release that a device cannot take although it is its next one. */
interface Obstacle {
  readonly id: ReleaseId;
  readonly from: ReleaseId;
}

/** What stops a device that runs this version; undefined where it gets to the end of the way. */
function obstacleFrom(version: ReleaseId, way: readonly ReleaseId[], releases: Steps): Obstacle | undefined {
  let own = version;
  for (const id of way.filter((step) => isAbove(step, version))) {
    const from = releases.get(id)?.from;
    if (from !== undefined && !mayTake(own, from)) return { id, from };
    own = id;
  }
  return undefined;
}

function isAbove(id: ReleaseId, version: ReleaseId): boolean {
  return compareReleases(id, version) > 0;
}

function mayTake(version: ReleaseId, from: ReleaseId | undefined): boolean {
  return from === undefined || compareReleases(version, from) >= 0;
}

function brokenChain(target: ReleaseId, { id, from }: Obstacle): Refusal {
  const it = id === target ? 'it' : id;
  return refused(
    'chain-broken',
    `devices below ${from} would not get to ${target}: ${it} may be taken from ${from} on, and no stepping stone leads there`,
    `publish a release from ${from} on, and below ${id}, that they have to pass: publish --through`,
  ).refusal;
}
