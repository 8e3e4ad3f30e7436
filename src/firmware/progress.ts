import { defined } from '../core/defined.js';
import { type Evidence, nextPhase, sinceLimit, type Unmet, waitsFor } from './gate.js';
import type { ReleaseId } from './names.js';
import type { Counts } from './outcomes.js';
import type { BegunPhase, Candidate, FailureLimit, Rollout } from './rollout.js';
import { difference, type Figures, figuresOf, outcomesIn, proof, total } from './statistics.js';
import type { TypeState } from './type-state.js';

/** How far a candidate has come: what became of those who were offered it, and what it waits for. Plain JSON. */
export interface Progress {
  readonly version: ReleaseId;
  /** Since it was first offered. */
  readonly all: ProvenFigures;
  /** The shares that it was offered to, the first one first. */
  readonly phases: readonly PhaseProgress[];
  /** The next phase; undefined where none follows. */
  readonly next?: NextPhase;
  readonly limit?: FailureLimit & {
    /** The devices with an outcome that count for it. */
    readonly outcomes: number;
    readonly failures: number;
  };
  /** One device in so many is followed, on the NGINX with the most devices. */
  readonly sample: number;
}

export interface ProvenFigures extends Figures {
  /** What they prove, in words; undefined where there is no outcome yet. */
  readonly proof?: string;
}

interface PhaseProgress extends ProvenFigures {
  readonly percent: number;
  /** When it began. */
  readonly at: string;
  /** It ended a pause. */
  readonly resumed?: true;
}

export interface NextPhase {
  readonly percent: number;
  /** `operator`: only `rollout --next` begins it. `paused`: `resume` comes first. `gate`: once `unmet` is empty. */
  readonly begins: 'operator' | 'paused' | 'gate';
  readonly unmet: readonly Unmet[];
}

/** How far the candidate of a type has come; undefined where there is none. */
export function progressOf(
  { rollout, outcomes }: Pick<TypeState, 'rollout' | 'outcomes'>,
  now: number,
): Progress | undefined {
  const candidate = rollout?.candidate;
  if (rollout === undefined || candidate === undefined) return undefined;
  const records = [...outcomes.values()];
  const counts = total(records, candidate.version);
  const { begun = [] } = candidate;
  return defined({
    version: candidate.version,
    all: proven(begun[0] === undefined ? counts : difference(counts, begun[0].counts)),
    phases: begun.map((phase, i) => phaseProgress(phase, begun[i + 1]?.counts ?? counts)),
    next: nextOf(rollout, candidate, { counts, now }),
    limit: limitOf(candidate, counts),
    sample: Math.max(
      1,
      ...records.filter((one) => one.counts.has(candidate.version)).map((one) => one.sample),
    ),
  });
}

function phaseProgress({ percent, at, counts, resumed }: BegunPhase, end: Counts): PhaseProgress {
  return defined({ percent, at, resumed, ...proven(difference(end, counts)) });
}

function proven(counts: Counts): ProvenFigures {
  const figures = figuresOf(counts);
  return defined({ ...figures, proof: proof(figures) });
}

function nextOf(rollout: Rollout, candidate: Candidate, evidence: Evidence): NextPhase | undefined {
  const percent = nextPhase(candidate);
  if (percent === undefined) return undefined;
  const unpaused = candidate.gate === undefined ? 'operator' : 'gate';
  const begins = rollout.paused === undefined ? unpaused : 'paused';
  return { percent, begins, unmet: waitsFor(candidate, evidence) };
}

function limitOf(candidate: Candidate, counts: Counts): Progress['limit'] {
  if (candidate.limit === undefined) return undefined;
  const figures = sinceLimit(candidate, counts);
  return { ...candidate.limit, outcomes: outcomesIn(figures), failures: figures.failed + figures.lost };
}

/** Whom a release would reach that is only counted. Plain JSON. */
export interface ShadowProgress {
  readonly version: ReleaseId;
  readonly percent: number;
  /** Devices that it would reach, from those that have asked since. */
  readonly devices: number;
  /** The same by the version that they run now, the most common one first; `other` for the rest. */
  readonly running: readonly { readonly version: string; readonly devices: number }[];
}

/** Whom the shadow of a type would reach; undefined where there is none. */
export function shadowOf({
  rollout,
  outcomes,
}: Pick<TypeState, 'rollout' | 'outcomes'>): ShadowProgress | undefined {
  const shadow = rollout?.shadow;
  if (shadow === undefined) return undefined;
  const devices = new Map<string, number>();
  for (const record of outcomes.values()) {
    for (const [version, count] of record.shadow?.get(shadow.version) ?? []) {
      devices.set(version, (devices.get(version) ?? 0) + count);
    }
  }
  const running = [...devices]
    .map(([version, count]) => ({ version, devices: count }))
    .sort((a, b) => b.devices - a.devices || (a.version < b.version ? -1 : 1));
  const all = running.reduce((sum, one) => sum + one.devices, 0);
  return { version: shadow.version, percent: shadow.percent, devices: all, running };
}
