import { compareReleases, type ReleaseId } from './names.js';
import { type Refusal, refused } from './refusal.js';
import type { Release } from './release.js';

/** The fields of a type's releases that decide how devices get from one release to another. */
export type Steps = ReadonlyMap<ReleaseId, Pick<Release, 'from' | 'through'>>;

/** The lowest version there is. Source: semver.org 2.0.0, section 11. */
const LOWEST: ReleaseId = '0.0.0-0';

/** The stepping stones on the way to a release, the lowest first. */
export function stonesBelow(releases: Steps, target: ReleaseId): readonly ReleaseId[] {
  return [...releases.keys()]
    .filter((id) => releases.get(id)?.through === true && compareReleases(id, target) < 0)
    .sort(compareReleases);
}

/**
 * The lowest version from which a device may begin its way to a release; undefined where it may begin from every version.
 * No later step asks for a higher version, unless `refuseChain` refuses the way.
 */
export function entryOf(releases: Steps, target: ReleaseId): ReleaseId | undefined {
  return releases.get(stonesBelow(releases, target)[0] ?? target)?.from;
}

/**
 * Why devices would get stuck on their way to a release; undefined where they would not. They do not get stuck if every
 * device that may take any of the releases up to this one reaches it, from stepping stone to stepping stone.
 */
export function refuseChain(releases: Steps, target: ReleaseId): Refusal | undefined {
  const way = [...stonesBelow(releases, target), target];
  for (const [id, { from = LOWEST }] of releases) {
    if (isAbove(id, target) || !isAbove(id, from)) continue;
    // Where a device gets stuck that may take this release, the one with the lowest version that may take it does as well.
    const obstacle = obstacleFrom(from, way, releases);
    if (obstacle !== undefined) return brokenChain(target, obstacle);
  }
  return undefined;
}

/** A release that is the next one for a device, and that the device cannot take. */
interface Obstacle {
  readonly id: ReleaseId;
  readonly from: ReleaseId;
}

/** What stops a device that runs this version; undefined where it reaches the end of the way. */
function obstacleFrom(version: ReleaseId, way: readonly ReleaseId[], releases: Steps): Obstacle | undefined {
  let own = version;
  for (const id of way.filter((step) => isAbove(step, version))) {
    const from = releases.get(id)?.from;
    if (from !== undefined && isAbove(from, own)) return { id, from };
    own = id;
  }
  return undefined;
}

function isAbove(id: ReleaseId, version: ReleaseId): boolean {
  return compareReleases(id, version) > 0;
}

function brokenChain(target: ReleaseId, { id, from }: Obstacle): Refusal {
  const it = id === target ? 'it' : id;
  return refused(
    'chain-broken',
    `devices below ${from} could not update to ${target}: ${it} requires ${from} or newer, and no stepping stone leads there`,
    `publish a stepping stone with --through: a release that is at least ${from} and below ${id}`,
  ).refusal;
}
