import { defined } from '../core/defined.js';
import { type CandidateRequest, candidateOf, defaultSalt, refusePercent, withShare } from './candidate.js';
import { refuseChain } from './chain.js';
import { haltReason, limitText, nextPhase } from './gate.js';
import { refuseAbsent, refuseMembers } from './group-changes.js';
import { compareReleases, newestFirst, type ReleaseId } from './names.js';
import { type Checked, passed, type Refusal, refused } from './refusal.js';
import type { Release } from './release.js';
import {
  type Author,
  type Candidate,
  type Halt,
  MAX_CANDIDATE_GROUPS,
  parseSalt,
  type Rollout,
  type Shadow,
} from './rollout.js';
import type { TypeState } from './type-state.js';
import { refuseUnreadable } from './unreadable.js';

/** A rollout as a change leaves it, and the change in words. */
export interface Change {
  readonly rollout: Rollout;
  readonly version: ReleaseId;
  readonly text: string;
}

/** What an operator asks of `rollout`; what is not said stays as it is. */
export interface RolloutRequest extends CandidateRequest {
  /** The candidate that there is, else the newest release. */
  readonly version?: ReleaseId;
}

/** Offers a release to a percentage of the devices, to groups, or to both. */
export function rollOut(state: TypeState, request: RolloutRequest, author: Author): Checked<Change> {
  const release = releaseOf(state, wanted(state, request));
  if (!release.ok) return release;
  const [version] = release.value;
  const refusal =
    refuseVersion(state, ...release.value) ??
    refuseChain(state.releases, version) ??
    refuseRequest(state, request) ??
    refusePaused(state.rollout, version);
  if (refusal !== undefined) return { ok: false, refusal };
  const candidate = candidateOf(state, version, request, author.at);
  if (!candidate.ok) return candidate;
  const rollout = defined({
    ...author,
    stable: state.rollout?.stable,
    previous: state.rollout?.previous,
    candidate: candidate.value,
    shadow: otherThan(version, state.rollout?.shadow),
    downgrade: false,
    secureVersion: reached(state.rollout, release.value[1]),
  });
  const plan = planText(candidate.value);
  return passed({ rollout, version, text: `${version} is offered to ${audience(candidate.value)}${plan}` });
}

function wanted({ rollout, releases }: TypeState, { version }: RolloutRequest): ReleaseId | undefined {
  return version ?? rollout?.candidate?.version ?? newestFirst(releases.keys())[0];
}

/** The release that is only counted becomes one that is offered. */
function otherThan(version: ReleaseId, shadow: Shadow | undefined): Shadow | undefined {
  return shadow?.version === version ? undefined : shadow;
}

/** Begins the next phase, whatever its gate waits for. */
export function beginNextPhase(state: TypeState, author: Author): Checked<Change> {
  const candidate = candidateIn(state);
  if (!candidate.ok) return candidate;
  const [before, own] = candidate.value;
  const refusal = refusePaused(before, own.version);
  if (refusal !== undefined) return { ok: false, refusal };
  const percent = nextPhase(own);
  if (percent === undefined) {
    const reason = `${own.version} is offered to ${audience(own)}, and there is no further phase`;
    return refused('no-phase', reason, 'give --percent or --phases, or promote it');
  }
  const next = withShare(state, own, { percent, at: author.at });
  return passed({
    rollout: { ...before, ...author, candidate: next },
    version: own.version,
    text: `${own.version} is offered to ${audience(next)}${planText(next)}`,
  });
}

/** Pauses the candidate because more devices failed than its limit allows. */
export function halt(state: TypeState, halted: Halt, author: Author): Checked<Change> {
  const candidate = candidateIn(state);
  if (!candidate.ok) return candidate;
  const [before, own] = candidate.value;
  const refusal = refusePaused(before, own.version);
  if (refusal !== undefined) return { ok: false, refusal };
  const reason = haltReason(halted, own);
  const paused = { ...author, reason, halted };
  return passed({
    rollout: { ...before, ...author, paused },
    version: own.version,
    text: `${own.version} is ${reason}`,
  });
}

/** Counts whom a release would reach, without offering it to anybody. 0 % ends that. */
export function shadow(state: TypeState, request: RolloutRequest, author: Author): Checked<Change> {
  const { percent = 100, salt } = request;
  const release = releaseOf(
    state,
    request.version ?? state.rollout?.shadow?.version ?? wanted(state, request),
  );
  if (!release.ok) return release;
  const [version] = release.value;
  const refusal = refuseVersion(state, ...release.value) ?? refuseRequest(state, { ...request, percent });
  if (refusal !== undefined) return { ok: false, refusal };
  const { candidate } = state.rollout ?? {};
  const own = candidate?.version === version ? candidate.salt : defaultSalt(state.type, version);
  const { shadow: _, ...before } = state.rollout ?? { downgrade: false, secureVersion: 0 };
  if (percent === 0) {
    return passed({
      rollout: { ...before, ...author },
      version,
      text: `${version} is not in shadow any more`,
    });
  }
  return passed({
    rollout: { ...before, ...author, shadow: { version, salt: salt ?? own, percent } },
    version,
    text: `${version} is in shadow at ${percent} %: no device is offered it, and those that it would reach are counted`,
  });
}

/** Ends the offers of the candidate. Devices that have begun to fetch it go on. */
export function pause(state: TypeState, reason: string | undefined, author: Author): Checked<Change> {
  const candidate = candidateIn(state);
  if (!candidate.ok) return candidate;
  const [before, { version }] = candidate.value;
  if (before.paused !== undefined) return { ok: false, refusal: alreadyPaused(version, before.paused) };
  const paused = defined({ ...author, reason });
  const why = reason === undefined ? '' : `: ${reason}`;
  return passed({ rollout: { ...before, ...author, paused }, version, text: `${version} is paused${why}` });
}

/** Offers a paused candidate again, to this percentage where one is named. */
export function resume(state: TypeState, percent: number | undefined, author: Author): Checked<Change> {
  const candidate = candidateIn(state);
  if (!candidate.ok) return candidate;
  const [{ paused, ...before }, own] = candidate.value;
  if (paused === undefined) {
    return refused('not-paused', `${own.version} is not paused`, 'there is nothing to resume');
  }
  const refusal = percent === undefined ? undefined : refusePercent(percent);
  if (refusal !== undefined) return { ok: false, refusal };
  const share = { percent: percent ?? own.percent, at: author.at, resumed: true } as const;
  const resumed = withShare(state, own, share);
  return passed({
    rollout: { ...before, ...author, candidate: resumed },
    version: own.version,
    text: `${own.version} is offered again, to ${audience(resumed)}`,
  });
}

/** Makes the candidate the release that every device is offered. */
export function promote(state: TypeState, author: Author): Checked<Change> {
  const candidate = candidateIn(state);
  if (!candidate.ok) return candidate;
  const [{ candidate: _, stable, shadow: counted, ...before }, { version }] = candidate.value;
  const refusal = refusePaused(state.rollout, version) ?? refuseChain(state.releases, version);
  if (refusal !== undefined) return { ok: false, refusal };
  return passed({
    rollout: defined({
      ...before,
      ...author,
      stable: version,
      previous: stable,
      shadow: otherThan(version, counted),
      downgrade: false,
    }),
    version,
    text: `${version} is the stable release${stable === undefined ? '' : `, in place of ${stable}`}`,
  });
}

/**
 * Withdraws the candidate; where there is none, the stable release, for the one before it. Devices that compare versions
 * themselves keep what they have. With `downgrade`, those whose server decides are taken back to the stable release.
 */
export function rollBack(state: TypeState, downgrade: boolean, author: Author): Checked<Change> {
  const unreadable = refuseUnreadable(state);
  if (unreadable !== undefined) return { ok: false, refusal: unreadable };
  const { rollout } = state;
  if (rollout?.candidate !== undefined) return dropCandidate(state, rollout, downgrade, author);
  if (rollout?.stable === undefined || rollout.previous === undefined) {
    return refused(
      'no-previous',
      `type ${state.type} has no release to go back to`,
      'publish a fixed release',
    );
  }
  const { stable, previous, ...before } = rollout;
  const release = releaseOf(state, previous);
  if (!release.ok) return release;
  const refusal = refuseDowngrade(state, release.value, downgrade);
  if (refusal !== undefined) return { ok: false, refusal };
  return passed({
    rollout: { ...before, ...author, stable: previous, downgrade },
    version: stable,
    text: `${stable} is withdrawn: ${previous} is the stable release again`,
  });
}

function dropCandidate(
  state: TypeState,
  before: Rollout,
  downgrade: boolean,
  author: Author,
): Checked<Change> {
  const { candidate, paused: _, ...rest } = before;
  const version = candidate?.version ?? '';
  if (downgrade) {
    const stable = releaseOf(state, before.stable);
    if (!stable.ok) return stable;
    const refusal = refuseDowngrade(state, stable.value, downgrade);
    if (refusal !== undefined) return { ok: false, refusal };
  }
  return passed({
    rollout: { ...rest, ...author, downgrade },
    version,
    text: `${version} is withdrawn${before.stable === undefined ? '' : `: ${before.stable} stays the stable release`}`,
  });
}

/**
 * The releases that may be removed so that `keep` are left, the newest first: never a stepping stone or one that the
 * rollout names, which are left over and above.
 */
export function prunable(state: TypeState, keep: number): Checked<readonly ReleaseId[]> {
  const refusal = refuseUnreadable(state);
  if (refusal !== undefined) return { ok: false, refusal };
  if (!Number.isInteger(keep) || keep < 1) {
    return refused(
      'keep',
      `${keep} is not a number of releases that can be kept`,
      'give --keep with a whole number from 1',
    );
  }
  const { stable, previous, candidate, shadow: counted } = state.rollout ?? {};
  const named = new Set([stable, previous, candidate?.version, counted?.version]);
  return passed(
    newestFirst(state.releases.keys())
      .filter((id) => !named.has(id) && state.releases.get(id)?.through !== true)
      .slice(keep),
  );
}

function releaseOf(state: TypeState, id: ReleaseId | undefined): Checked<[ReleaseId, Release]> {
  const refusal = refuseUnreadable(state);
  if (refusal !== undefined) return { ok: false, refusal };
  const release = id === undefined ? undefined : state.releases.get(id);
  if (id !== undefined && release !== undefined) return passed([id, release]);
  const there = newestFirst(state.releases.keys()).slice(0, 5).join(', ');
  return refused(
    'no-release',
    `type ${state.type} has no release${id === undefined ? '' : ` ${id}`}`,
    there === '' ? 'publish a release first' : `choose one of its newest: ${there}`,
  );
}

function refuseVersion({ rollout }: TypeState, id: ReleaseId, { image }: Release): Refusal | undefined {
  const stable = rollout?.stable;
  if (stable === id) {
    return refused(
      'is-stable',
      `${id} is the stable release already: every device is offered it`,
      'publish a newer release',
    ).refusal;
  }
  if (stable !== undefined && compareReleases(id, stable) < 0) {
    return refused(
      'version-backwards',
      `${id} comes before ${stable}, which is stable`,
      'go back with `sidekick firmware rollback`',
    ).refusal;
  }
  return refuseSecureVersion(rollout, id, image.secureVersion);
}

function refuseSecureVersion(rollout: Rollout | undefined, id: ReleaseId, own = 0): Refusal | undefined {
  const highest = rollout?.secureVersion ?? 0;
  if (own >= highest) return undefined;
  const reason = `${id} has secure_version ${own}, but devices have been offered ${highest}: they would not boot it`;
  return refused('secure-version', reason, 'publish a release whose secure_version is not lower').refusal;
}

function refuseRequest(
  state: TypeState,
  { percent, groups = [], salt }: RolloutRequest,
): Refusal | undefined {
  const percentRefusal = percent === undefined ? undefined : refusePercent(percent);
  if (percentRefusal !== undefined) return percentRefusal;
  const parsed = salt === undefined ? undefined : parseSalt(salt);
  if (parsed?.ok === false) return refused('salt', `salt ${parsed.reason}`, 'choose another salt').refusal;
  if (groups.length > MAX_CANDIDATE_GROUPS) {
    return refused(
      'no-group',
      `a candidate has at most ${MAX_CANDIDATE_GROUPS} groups`,
      'put the devices of several groups into one group',
    ).refusal;
  }
  const missing = groups.find((group) => !state.groups.has(group));
  if (missing !== undefined) return refuseAbsent(state, missing);
  return refuseMembers(state.groups, groups);
}

/** A paused candidate stays as it is; another one may take its place. */
function refusePaused(rollout: Rollout | undefined, id: ReleaseId): Refusal | undefined {
  if (rollout?.paused === undefined || rollout.candidate?.version !== id) return undefined;
  return alreadyPaused(id, rollout.paused);
}

function alreadyPaused(id: ReleaseId, { by, at, reason }: Author & { readonly reason?: string }): Refusal {
  const why = reason === undefined ? '' : `: ${reason}`;
  return refused(
    'paused',
    `${id} was paused at ${at} by ${by}${why}`,
    'resume it, or roll out a fixed release',
  ).refusal;
}

function candidateIn(state: TypeState): Checked<[Rollout, Candidate]> {
  const refusal = refuseUnreadable(state);
  if (refusal !== undefined) return { ok: false, refusal };
  const { rollout } = state;
  if (rollout?.candidate !== undefined) return passed([rollout, rollout.candidate]);
  return refused(
    'no-candidate',
    'no release is being rolled out',
    'begin one with `sidekick firmware rollout`',
  );
}

/** An operator has to ask for a downgrade by its flag. One to a release that devices would not boot is refused. */
function refuseDowngrade(
  { rollout, record }: TypeState,
  [id, { image }]: [ReleaseId, Release],
  downgrade: boolean,
): Refusal | undefined {
  const unbootable = refuseSecureVersion(rollout, id, image.secureVersion);
  if (unbootable !== undefined) return unbootable;
  if (downgrade || record?.forms.includes('esphome') !== true) return undefined;
  const reason = `ESPHome devices would be offered ${id} as an update, although it is older`;
  return refused(
    'would-downgrade',
    reason,
    'give --downgrade, or publish a fixed release under a higher number',
  ).refusal;
}

function reached(rollout: Rollout | undefined, { image }: Release): number {
  return Math.max(rollout?.secureVersion ?? 0, image.secureVersion ?? 0);
}

function audience({ percent, groups, rescue = [] }: Candidate): string {
  const named = groups.length === 0 ? [] : [`the group${groups.length > 1 ? 's' : ''} ${groups.join(', ')}`];
  const rescued = rescue.length === 0 ? [] : [`devices that run ${rescue.join(', ')}`];
  const all = [...(percent > 0 ? [`${percent} % of devices`] : []), ...named, ...rescued];
  return all.length === 0 ? 'nobody yet' : all.join(' and ');
}

/** How a candidate goes on, in words; empty where it does not. */
function planText(candidate: Candidate): string {
  const { phases = [], percent, gate, limit } = candidate;
  const next = phases.filter((phase) => phase > percent);
  const following = next.length === 0 ? '' : `, then to ${next.join(' %, ')} %${gateText(gate)}`;
  const stop = limit === undefined ? '' : `; ${limitText(limit)}`;
  return `${following}${stop}`;
}

function gateText(gate: Candidate['gate']): string {
  if (gate === undefined) return ' with rollout --next';
  const conditions = [
    ...(gate.after > 0 ? [`after ${gate.after} more devices have booted`] : []),
    ...(gate.every === undefined ? [] : [`at least ${gate.every} s apart`]),
    ...(gate.notBefore === undefined ? [] : [`from ${gate.notBefore} on`]),
  ];
  return conditions.length === 0 ? '' : ` ${conditions.join(', ')}`;
}
