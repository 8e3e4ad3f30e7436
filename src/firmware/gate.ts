import type { Counts } from './outcomes.js';
import type { BegunPhase, Candidate, FailureLimit, Halt, Rollout } from './rollout.js';
import { difference, type Figures, figuresOf, outcomesIn, provenIn, rounded } from './statistics.js';

/** What is known when it is decided how a rollout goes on. */
export interface Evidence {
  /** What was counted of the candidate, by every NGINX. */
  readonly counts: Counts;
  /** Milliseconds since the epoch, by the clock of whoever decides. */
  readonly now: number;
  /**
   * How long ago the last phase began, in ms, by the monotonic clock of whoever saw it begin; undefined where that was
   * not seen. A wall clock that is ahead then begins no phase early.
   */
  readonly sinceBegun?: number;
}

/** What a watcher does with a rollout. */
export type Decision =
  | { readonly kind: 'halt'; readonly halt: Halt }
  | { readonly kind: 'begin'; readonly percent: number };

/** Whether the rollout has to be halted, or its next phase begins; undefined where it stays as it is. Never two phases at once. */
export function decide({ candidate, paused }: Rollout, evidence: Evidence): Decision | undefined {
  if (candidate === undefined || paused !== undefined) return undefined;
  const halt = exceeded(candidate, evidence.counts);
  if (halt !== undefined) return { kind: 'halt', halt };
  const percent = nextPhase(candidate);
  if (percent === undefined || candidate.gate === undefined) return undefined;
  return waitsFor(candidate, evidence).length === 0 ? { kind: 'begin', percent } : undefined;
}

/** Whether outcomes may change at any moment how the rollout goes on. */
export function isWatched({ candidate, paused }: Rollout): boolean {
  if (candidate === undefined || paused !== undefined) return false;
  const hasGate = candidate.gate !== undefined && nextPhase(candidate) !== undefined;
  return hasGate || candidate.limit !== undefined;
}

/** The percentage of the next phase; undefined after the last one. */
export function nextPhase({ phases = [], percent }: Candidate): number | undefined {
  return phases.find((phase) => phase > percent);
}

/** The outcomes that exceed the candidate's limit; undefined where they do not, or are too few. */
function exceeded(candidate: Candidate, counts: Counts): Halt | undefined {
  const { limit } = candidate;
  if (limit === undefined) return undefined;
  const figures = sinceLimit(candidate, counts);
  const of = outcomesIn(figures);
  const { failed, lost } = figures;
  const isExceeded = of >= limit.min && (failed + lost) * 100 > limit.maxFailures * of;
  return isExceeded ? { failed, lost, of } : undefined;
}

/** What the limit of failures counts: all since the candidate was offered, or offered again after a pause. */
export function sinceLimit({ begun = [] }: Candidate, counts: Counts): Figures {
  const from = begun.findLast(({ resumed }) => resumed === true) ?? begun[0];
  return figuresOf(from === undefined ? counts : difference(counts, from.counts));
}

/** Why a candidate was halted, in words. */
export function haltReason({ failed, lost, of }: Halt, { limit }: Candidate): string {
  const bad = failed + lost;
  const share = rounded((100 * bad) / of);
  return `halted: ${bad} of ${of} devices failed or were lost (${share} %), the limit is ${limit?.maxFailures ?? 0} %`;
}

/** When a candidate is halted, in words. */
export function limitText({ maxFailures, min }: FailureLimit): string {
  return `halts when more than ${maxFailures} % of at least ${min} devices fail or are lost`;
}

/** A condition that is not met yet, and that the next phase waits for. */
export type Unmet =
  | { readonly kind: 'booted'; readonly booted: number; readonly after: number }
  /** In ISO 8601. */
  | { readonly kind: 'time'; readonly until: string };

/** What the next phase waits for: nothing where it may begin. */
export function waitsFor(candidate: Candidate, { counts, now, sinceBegun }: Evidence): readonly Unmet[] {
  const { gate, begun = [], percent, phases = [] } = candidate;
  if (gate === undefined) return [];
  const last = begun.at(-1);
  // Before the first phase it was offered to groups at most, which may have fewer devices than that.
  if (percent === 0 && gate.notBefore !== undefined) return notBefore(gate.notBefore, now);
  const booted = provenIn(figuresOf(last === undefined ? counts : difference(counts, last.counts)));
  return [
    ...(booted < gate.after ? [{ kind: 'booted', booted, after: gate.after } as const] : []),
    ...notEarlier(last, gate.every, { now, sinceBegun }),
    // An operator may have begun a share below the first phase.
    ...(percent < (phases[0] ?? 0) ? notBefore(gate.notBefore, now) : []),
  ];
}

function notBefore(time: string | undefined, now: number): readonly Unmet[] {
  return time === undefined || Date.parse(time) <= now ? [] : [{ kind: 'time', until: time }];
}

function notEarlier(
  last: BegunPhase | undefined,
  every: number | undefined,
  { now, sinceBegun }: { readonly now: number; readonly sinceBegun: number | undefined },
): readonly Unmet[] {
  if (last === undefined || every === undefined) return [];
  const passed = Math.min(now - Date.parse(last.at), sinceBegun ?? Number.POSITIVE_INFINITY);
  const left = every * 1000 - passed;
  return left <= 0 ? [] : [{ kind: 'time', until: new Date(now + left).toISOString() }];
}
