import { defined } from '../core/defined.js';
import type { ReleaseId } from './names.js';
import { type Checked, passed, type Refusal, refused } from './refusal.js';
import {
  type BegunPhase,
  type Candidate,
  type FailureLimit,
  type Gate,
  MAX_BEGUN,
  parsePercent,
  parsePhases,
} from './rollout.js';
import { total } from './statistics.js';
import type { TypeState } from './type-state.js';

/** What is asked of a candidate. What is not said stays as it is. */
export interface CandidateRequest {
  readonly percent?: number;
  readonly groups?: readonly string[];
  /** For a new candidate; the type's name and the version where nothing is said. The same salt repeats a cohort. */
  readonly salt?: string;
  /** The shares that follow one another, in percent, with the gates that are named beside them and no others. */
  readonly phases?: readonly number[];
  /** Devices that must have booted it before the next phase begins. */
  readonly after?: number;
  /** When the first phase may begin, in ISO 8601. */
  readonly notBefore?: string;
  /** The least time between two phases, in seconds. */
  readonly every?: number;
  /** The most failures, in percent of the outcomes. */
  readonly maxFailures?: number;
  /** The outcomes before which nothing is concluded; default 30. */
  readonly min?: number;
  /** How often its devices ask, in seconds. */
  readonly interval?: number;
  readonly rescue?: readonly ReleaseId[];
  /** Bytes per second of one download. */
  readonly rate?: number;
}

/** Without a failure among so many, fewer than 10 % fail (95 %). */
const DEFAULT_MIN = 30;

/** The candidate that a request makes of a release, or of the candidate that it is already. */
export function candidateOf(
  state: TypeState,
  version: ReleaseId,
  request: CandidateRequest,
  at: string,
): Checked<Candidate> {
  const same = state.rollout?.candidate?.version === version ? state.rollout.candidate : undefined;
  const refusal = refuseSalt(version, same, request) ?? refusePlan(version, same, request);
  if (refusal !== undefined) return { ok: false, refusal };
  const phases = request.phases ?? same?.phases;
  const gate = gateOf(same, request);
  const percent = request.percent ?? Math.max(same?.percent ?? 0, firstShare(request, at));
  const candidate: Candidate = defined({
    version,
    salt: same?.salt ?? request.salt ?? defaultSalt(state.type, version),
    percent,
    groups: request.groups ?? same?.groups ?? [],
    phases,
    gate,
    limit: limitOf(same, request),
    interval: request.interval ?? same?.interval,
    rescue: request.rescue ?? same?.rescue,
    rate: request.rate ?? same?.rate,
    begun: same?.begun,
  });
  if (isForNobody(candidate)) {
    return refused('nobody', `${version} would be offered to nobody`, 'give --percent, --group, or both');
  }
  return passed(percent === same?.percent ? candidate : withShare(state, candidate, { percent, at }));
}

/** What decides who is among a percentage where nobody says otherwise. */
export function defaultSalt(type: string, version: ReleaseId): string {
  return `${type}-${version}`.slice(-64).replace(/^[^A-Za-z0-9]+/, '');
}

/** The candidate with another share of the devices, which begins now. */
export function withShare(
  { outcomes }: TypeState,
  candidate: Candidate,
  { percent, at, resumed }: Pick<BegunPhase, 'percent' | 'at' | 'resumed'>,
): Candidate {
  const counts = total(outcomes.values(), candidate.version);
  const begun = [...(candidate.begun ?? []), defined({ percent, at, counts, resumed })];
  return { ...candidate, percent, begun: bounded(begun) };
}

/** At most `MAX_BEGUN` entries. The first stays, and the last that ended a pause: what is counted from them must stay true. */
function bounded(begun: readonly BegunPhase[]): readonly BegunPhase[] {
  if (begun.length <= MAX_BEGUN) return begun;
  const resumed = begun.findLastIndex((phase) => phase.resumed === true);
  const dropped = resumed === 1 ? 2 : 1;
  return begun.filter((_, i) => i !== dropped);
}

function firstShare({ phases, notBefore }: CandidateRequest, at: string): number {
  const isDue = notBefore === undefined || Date.parse(notBefore) <= Date.parse(at);
  return isDue ? (phases?.[0] ?? 0) : 0;
}

function isForNobody({ percent, groups, rescue = [], phases, gate }: Candidate): boolean {
  const isPlanned = phases !== undefined && gate?.notBefore !== undefined;
  return percent === 0 && groups.length + rescue.length === 0 && !isPlanned;
}

function gateOf(
  same: Candidate | undefined,
  { phases, after, notBefore, every }: CandidateRequest,
): Gate | undefined {
  const before = phases === undefined ? same?.gate : undefined;
  if (after === undefined && notBefore === undefined && every === undefined) return before;
  return defined({
    after: after ?? before?.after ?? 0,
    notBefore: notBefore ?? before?.notBefore,
    every: every ?? before?.every,
  });
}

function limitOf(
  same: Candidate | undefined,
  { maxFailures, min }: CandidateRequest,
): FailureLimit | undefined {
  const percent = maxFailures ?? same?.limit?.maxFailures;
  if (percent === undefined) return undefined;
  return { maxFailures: percent, min: min ?? same?.limit?.min ?? DEFAULT_MIN };
}

function refuseSalt(
  version: ReleaseId,
  same: Candidate | undefined,
  { salt }: CandidateRequest,
): Refusal | undefined {
  if (same === undefined || salt === undefined || salt === same.salt) return undefined;
  const reason = `${version} is being rolled out with the salt ${same.salt}: another one would choose other devices`;
  return refused('salt-fixed', reason, 'leave --salt out').refusal;
}

function refusePlan(
  version: ReleaseId,
  same: Candidate | undefined,
  request: CandidateRequest,
): Refusal | undefined {
  const { maxFailures, min, rescue = [] } = request;
  if (maxFailures !== undefined) {
    const refusal = refusePercent(maxFailures);
    if (refusal !== undefined) return refusal;
  }
  if (min !== undefined && maxFailures === undefined && same?.limit === undefined) {
    return refused('limit', '--min belongs to a limit of failures', 'give --max-failures, such as 2%')
      .refusal;
  }
  if (rescue.includes(version)) {
    return refused(
      'rescue',
      `${version} cannot rescue devices that run it`,
      'name the bad release with --rescue',
    ).refusal;
  }
  return refusePhases(version, same, request) ?? refuseGate(same, request);
}

function refusePhases(
  version: ReleaseId,
  same: Candidate | undefined,
  { phases, percent }: CandidateRequest,
): Refusal | undefined {
  if (phases === undefined) return undefined;
  const parsed = parsePhases(phases);
  if (!parsed.ok)
    return refused('phases', `phases ${parsed.reason}`, 'give them as in --phases 1%,10%,50%,100%').refusal;
  if (percent !== undefined) {
    return refused(
      'phases',
      '--percent does not go with --phases, whose first share is offered first',
      'leave --percent out',
    ).refusal;
  }
  const now = same?.percent ?? 0;
  if ((phases.at(-1) ?? 0) > now) return undefined;
  return refused('phases', `${version} is offered to ${now} % already`, 'give a larger percentage').refusal;
}

function refuseGate(
  same: Candidate | undefined,
  { phases, after, notBefore, every }: CandidateRequest,
): Refusal | undefined {
  const isNamed = after !== undefined || every !== undefined;
  if (!isNamed && notBefore === undefined) return undefined;
  const all = phases ?? same?.phases;
  if (all === undefined) {
    return refused('gate', 'there are no phases that could wait', 'give --phases, such as 1%,10%,50%,100%')
      .refusal;
  }
  const before = phases === undefined ? same?.gate : undefined;
  if (isNamed || all.length === 1 || before !== undefined) return undefined;
  const reason = 'every phase after the first would begin at once';
  return refused('gate', reason, 'give --after, --every, or both').refusal;
}

export function refusePercent(percent: number): Refusal | undefined {
  const parsed = parsePercent(percent);
  return parsed.ok
    ? undefined
    : refused('percent', parsed.reason, 'give a percentage such as 10 or 0.25').refusal;
}
