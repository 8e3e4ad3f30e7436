import { compareReleases, type ReleaseId } from './names.js';
import {
  type Counts,
  type CountsByRelease,
  MAX_VERSIONS,
  NO_COUNTS,
  type OutcomeRecord,
  type OutcomeReport,
  type Shadowed,
} from './outcomes.js';
import type { Rollout } from './rollout.js';
import { isSame, newest } from './statistics.js';
import type { TypeState } from './type-state.js';

/** A report, and the name of the NGINX that it came from. */
export interface NamedReport {
  readonly nginx: string;
  readonly report: OutcomeReport;
}

/** A record of outcomes that etcd lacks, or has with other counts. */
export interface OutcomeChange {
  readonly epoch: string;
  /** undefined where it is to be deleted. */
  readonly record: OutcomeRecord | undefined;
  /** More devices have failed or were lost than etcd knows. */
  readonly isUrgent: boolean;
}

/** The releases that a rollout names. */
function namedReleases(rollout: Rollout | undefined): readonly ReleaseId[] {
  const { stable, previous, candidate, shadow } = rollout ?? {};
  const all = [stable, previous, candidate?.version, shadow?.version];
  return [...new Set(all.filter((version) => version !== undefined))];
}

/**
 * How long the counts of a release are kept after the rollout last named it, in ms. NGINX keeps its counters for an hour,
 * and would report them again if the release were rolled out once more.
 */
const KEPT = 2 * 3_600_000;

/**
 * The records of a type's outcomes that etcd should have, by what these NGINX report, and does not have. Within an epoch
 * counters only grow, so an older report that comes late changes nothing. Records of an NGINX that is gone stay while the
 * rollout names one of their releases.
 * @param now Milliseconds since the epoch, by the watcher's clock.
 */
export function outcomeChanges(
  state: TypeState,
  reports: readonly NamedReport[],
  now: number,
): readonly OutcomeChange[] {
  const named = namedReleases(state.rollout);
  const reported = reports.flatMap(({ nginx, report }) => {
    const before = state.outcomes.get(report.epoch);
    const record = merged(state, named, { nginx, report }, now);
    if (before === undefined && isEmpty(record)) return [];
    if (before !== undefined && isSameRecord(before, record)) return [];
    const { epoch } = report;
    const isUrgent = failures(record) > (before === undefined ? 0 : failures(before));
    return [{ epoch, record: isEmpty(record) ? undefined : record, isUrgent }];
  });
  const alive = new Set(reports.map(({ report }) => report.epoch));
  const outdated = [...state.outcomes]
    .filter(([epoch, record]) => !alive.has(epoch) && isOutdated(record, state.rollout, named, now))
    .map(([epoch]) => ({ epoch, record: undefined, isUrgent: false }));
  return [...reported, ...outdated];
}

/** The outcomes of a type after these changes. */
export function outcomesAfter(
  { outcomes }: TypeState,
  changes: readonly OutcomeChange[],
): ReadonlyMap<string, OutcomeRecord> {
  const after = new Map(outcomes);
  for (const { epoch, record } of changes) {
    if (record === undefined) after.delete(epoch);
    else after.set(epoch, record);
  }
  return after;
}

/** What etcd and the report say together. A release that neither the rollout nor the report names any more is dropped. */
function merged(
  { type, outcomes }: TypeState,
  named: readonly ReleaseId[],
  { nginx, report }: NamedReport,
  now: number,
): OutcomeRecord {
  const before = outcomes.get(report.epoch);
  const reported = report.counts.get(type) ?? new Map<ReleaseId, Counts>();
  const shadowed: Shadowed = report.shadow.get(type) ?? new Map<ReleaseId, ReadonlyMap<string, number>>();
  const known = [...reported.keys(), ...shadowed.keys()];
  const kept = (versions: Iterable<ReleaseId>) => keptReleases(versions, named, known);
  const counts = new Map(
    kept([...(before?.counts.keys() ?? []), ...reported.keys()])
      .map((id) => [id, newest(before?.counts.get(id) ?? NO_COUNTS, reported.get(id) ?? NO_COUNTS)] as const)
      .filter(([, all]) => !isSame(all, NO_COUNTS)),
  );
  const shadow = new Map(
    kept([...(before?.shadow?.keys() ?? []), ...shadowed.keys()])
      .map((id) => [id, newestDevices(before?.shadow?.get(id), shadowed.get(id))] as const)
      .filter(([, devices]) => devices.size > 0),
  );
  return {
    nginx,
    at: new Date(now).toISOString(),
    sample: Math.max(report.sample, before?.sample ?? 1),
    counts,
    ...(shadow.size > 0 && { shadow }),
  };
}

/** The releases that are kept: first those that the rollout names, then the newest. */
function keptReleases(
  versions: Iterable<ReleaseId>,
  named: readonly ReleaseId[],
  reported: readonly ReleaseId[],
): readonly ReleaseId[] {
  const rank = (id: ReleaseId) => (named.includes(id) ? 0 : 1);
  return [...new Set(versions)]
    .filter((id) => named.includes(id) || reported.includes(id))
    .sort((a, b) => rank(a) - rank(b) || compareReleases(b, a))
    .slice(0, MAX_VERSIONS);
}

function newestDevices(
  before: ReadonlyMap<string, number> | undefined,
  reported: ReadonlyMap<string, number> | undefined,
): ReadonlyMap<string, number> {
  const all = new Map(before ?? []);
  for (const [version, devices] of reported ?? []) {
    const isRoom = all.has(version) || all.size < MAX_VERSIONS;
    if (isRoom) all.set(version, Math.max(devices, all.get(version) ?? 0));
  }
  return all;
}

function isEmpty({ counts, shadow }: OutcomeRecord): boolean {
  return counts.size === 0 && shadow === undefined;
}

function failures({ counts }: OutcomeRecord): number {
  return [...counts.values()].reduce((sum, { failed, lost }) => sum + failed + lost, 0);
}

/** Whether two records say the same, whoever wrote them and when. */
function isSameRecord(a: OutcomeRecord, b: OutcomeRecord): boolean {
  return a.sample === b.sample && isSameCounts(a.counts, b.counts) && isSameShadow(a.shadow, b.shadow);
}

function isSameCounts(a: CountsByRelease, b: CountsByRelease): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([id, counts]) => isSame(counts, b.get(id) ?? NO_COUNTS));
}

function isSameShadow(a: Shadowed | undefined, b: Shadowed | undefined): boolean {
  if ((a?.size ?? 0) !== (b?.size ?? 0)) return false;
  return [...(a ?? [])].every(([id, devices]) => {
    const other = b?.get(id);
    return other?.size === devices.size && [...devices].every(([version, n]) => other.get(version) === n);
  });
}

function isOutdated(
  { counts, shadow, at }: OutcomeRecord,
  rollout: Rollout | undefined,
  named: readonly ReleaseId[],
  now: number,
): boolean {
  const isNamed = [...counts.keys(), ...(shadow?.keys() ?? [])].some((id) => named.includes(id));
  if (isNamed) return false;
  const touched = Math.max(Date.parse(at), rollout === undefined ? 0 : Date.parse(rollout.at));
  return now - touched > KEPT;
}
