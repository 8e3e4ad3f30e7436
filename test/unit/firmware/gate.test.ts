import { describe, expect, it } from 'vitest';
import {
  decide,
  type Evidence,
  haltReason,
  isWatched,
  limitText,
  nextPhase,
  waitsFor,
} from '../../../src/firmware/gate.js';
import { type Counts, NO_COUNTS } from '../../../src/firmware/outcomes.js';
import { progressOf } from '../../../src/firmware/progress.js';
import type { Candidate, Rollout } from '../../../src/firmware/rollout.js';
import { fc } from '../../support/property.js';
import * as arbitrary from './support/arbitraries.js';
import { AUTHOR } from './support/types.js';

const BEGAN = Date.parse(AUTHOR.at);
const HOUR = 3_600_000;

const CANDIDATE: Candidate = {
  version: '1.3.0',
  salt: 'lamp-1.3.0',
  percent: 1,
  groups: [],
  phases: [1, 10, 100],
  gate: { after: 60, every: 3_600 },
  limit: { maxFailures: 2, min: 30 },
  begun: [{ percent: 1, at: AUTHOR.at, counts: { ...NO_COUNTS, booted: 5, failed: 4 } }],
};

function rollout(candidate: Partial<Candidate> = {}, more: Partial<Rollout> = {}): Rollout {
  return {
    ...AUTHOR,
    candidate: { ...CANDIDATE, ...candidate },
    downgrade: false,
    secureVersion: 0,
    ...more,
  };
}

const WITHOUT_CANDIDATE: Rollout = { ...AUTHOR, stable: '1.2.0', downgrade: false, secureVersion: 0 };

function counted(counts: Partial<Counts>, ago = HOUR): Evidence {
  return { counts: { ...NO_COUNTS, ...counts }, now: BEGAN + ago };
}

describe('the next phase', () => {
  it('begins when enough have booted since the one before, and its time has come', () => {
    expect(decide(rollout(), counted({ booted: 65, failed: 4 }))).toEqual({ kind: 'begin', percent: 10 });
  });

  it.each<[string, Rollout, Evidence]>([
    ['fewer have booted than in its gate', rollout(), counted({ booted: 64 })],
    ['some are merely back on MQTT', rollout(), counted({ booted: 64, returned: 9 })],
    ['its time has not come', rollout(), counted({ booted: 65 }, HOUR - 1)],
    [
      'whoever decides has a clock that is ahead, and saw the phase begin a moment ago',
      rollout(),
      { ...counted({ booted: 65 }, 9 * HOUR), sinceBegun: HOUR - 1 },
    ],
    ['whoever decides has a clock that is behind', rollout(), counted({ booted: 65 }, -HOUR)],
    ['the rollout is paused', rollout({}, { paused: AUTHOR }), counted({ booted: 65 })],
    ['there is none', rollout({ percent: 100 }), counted({ booted: 65 })],
    ['there is no candidate', WITHOUT_CANDIDATE, counted({ booted: 65 })],
    ['an operator has to begin it', { ...rollout(), candidate: withoutGate() }, counted({ booted: 65 })],
    [
      'the first one may not begin yet',
      rollout({ percent: 0, gate: { after: 0, notBefore: '2026-12-01T08:00:00.000Z' } }),
      counted({}),
    ],
  ])('does not begin while %s', (_, state, evidence) => {
    expect(decide(state, evidence)).toBeUndefined();
  });

  it('is the first one above a share that an operator has begun', () => {
    expect(nextPhase({ ...CANDIDATE, percent: 20 })).toBe(100);
  });

  it('is the first one at its time, however few have booted it in groups', () => {
    const state = rollout({ percent: 0, gate: { after: 60, notBefore: AUTHOR.at } });
    expect(decide(state, counted({}, 0))).toEqual({ kind: 'begin', percent: 1 });
  });

  it('never begins without its gate, and is the next one, whatever was counted', () => {
    const percents = fc.constantFrom(0, 0.5, 1, 5, 10, 99, 100);
    fc.assert(
      fc.property(
        arbitrary.counts,
        percents,
        fc.integer({ min: -HOUR, max: 3 * HOUR }),
        (counts, percent, ago) => {
          const state = rollout({ percent });
          const decision = decide(state, { counts, now: BEGAN + ago });
          if (decision?.kind !== 'begin') return;
          expect(decision.percent).toBe(CANDIDATE.phases?.find((phase) => phase > percent));
          expect(counts.booted - 5).toBeGreaterThanOrEqual(60);
          expect(ago).toBeGreaterThanOrEqual(HOUR);
        },
      ),
    );
  });
});

describe('who begins the next phase', () => {
  const { gate: _, ...ungated } = CANDIDATE;
  const begins = (candidate: Candidate, more: Partial<Rollout> = {}) =>
    progressOf({ rollout: { ...rollout(), candidate, ...more }, outcomes: new Map() }, BEGAN)?.next?.begins;

  it('is its gate, or an operator where it has none', () => {
    expect([begins(CANDIDATE), begins(ungated)]).toEqual(['gate', 'operator']);
  });

  it('is nobody before a paused candidate is resumed, gate or none', () => {
    const paused = { paused: AUTHOR };
    expect([begins(CANDIDATE, paused), begins(ungated, paused)]).toEqual(['paused', 'paused']);
  });
});

describe('a limit of failures', () => {
  it.each<[string, Partial<Counts>, object | undefined]>([
    [
      'is exceeded by failed and lost devices',
      { booted: 34, failed: 5, lost: 1 },
      { failed: 1, lost: 1, of: 31 },
    ],
    ['is not exceeded at exactly its share', { booted: 54, failed: 5 }, undefined],
    ['is not exceeded before the minimum', { booted: 5, failed: 33 }, undefined],
    ['is exceeded at the minimum', { booted: 5, failed: 34 }, { failed: 30, lost: 0, of: 30 }],
    [
      'does not count devices that have recovered or were found',
      { booted: 90, failed: 9, recovered: 5, lost: 4, found: 4 },
      undefined,
    ],
    [
      'does not count devices whose outcome is not known',
      { offered: 999, downloaded: 900, unknown: 300 },
      undefined,
    ],
  ])('%s', (_, counts, halt) => {
    const decision = decide(rollout({ gate: { after: 1_000 } }), counted(counts));
    expect(decision?.kind === 'halt' ? decision.halt : undefined).toEqual(halt);
  });

  it('halts nothing where there is none, however many fail', () => {
    const state = { ...rollout(), candidate: withoutLimit() };
    expect(decide(state, counted({ failed: 99 }))).toBeUndefined();
  });

  it('counts from the first phase on, where no pause has ended since', () => {
    const counts = { ...NO_COUNTS, booted: 50, failed: 30 };
    const state = rollout({ begun: [...(CANDIDATE.begun ?? []), { percent: 10, at: AUTHOR.at, counts }] });
    const halt = { failed: 36, lost: 0, of: 81 };
    expect(decide(state, counted({ booted: 50, failed: 40 }))).toEqual({ kind: 'halt', halt });
  });

  it('counts all where it is not known when the candidate was first offered', () => {
    const { begun: _, ...candidate } = CANDIDATE;
    const halt = { failed: 4, lost: 0, of: 30 };
    expect(decide({ ...rollout(), candidate }, counted({ booted: 26, failed: 4 }))).toEqual({
      kind: 'halt',
      halt,
    });
  });

  it('is said in words', () => {
    expect(limitText({ maxFailures: 2.5, min: 30 })).toBe(
      'halts when more than 2.5 % of at least 30 devices fail or are lost',
    );
  });

  it('comes before a phase that might begin', () => {
    expect(decide(rollout(), counted({ booted: 65, failed: 9 }))).toMatchObject({ kind: 'halt' });
  });

  it('counts from the end of the last pause', () => {
    const counts = { ...NO_COUNTS, booted: 30, failed: 30 };
    const resumed = { percent: 5, at: AUTHOR.at, counts, resumed: true } as const;
    const state = rollout({ begun: [...(CANDIDATE.begun ?? []), resumed] });
    expect(decide(state, counted({ booted: 50, failed: 39 }))).toBeUndefined();
    expect(decide(state, counted({ booted: 50, failed: 40 }))).toEqual({
      kind: 'halt',
      halt: { failed: 10, lost: 0, of: 30 },
    });
  });
});

describe('a rollout', () => {
  it.each<[string, Rollout, boolean]>([
    ['with a gate', rollout({ limit: { maxFailures: 100, min: 1 } }), true],
    ['with a limit alone', { ...rollout(), candidate: withoutGate() }, true],
    ['in its last phase, with a limit', rollout({ percent: 100 }), true],
    ['with a gate alone', { ...rollout(), candidate: withoutLimit() }, true],
    [
      'in its last phase, with a gate alone',
      { ...rollout(), candidate: withoutLimit({ ...CANDIDATE, percent: 100 }) },
      false,
    ],
    ['that is paused', rollout({}, { paused: AUTHOR }), false],
    ['with phases alone', { ...rollout(), candidate: withoutLimit(withoutGate()) }, false],
    ['without a candidate', WITHOUT_CANDIDATE, false],
  ])('%s is watched closely: %s', (_, state, isExpected) => {
    expect(isWatched(state)).toBe(isExpected);
  });

  it('says all that the next phase waits for', () => {
    expect(waitsFor(CANDIDATE, counted({ booted: 39 }, 0))).toEqual([
      { kind: 'booted', booted: 34, after: 60 },
      { kind: 'time', until: '2026-11-27T13:00:00.000Z' },
    ]);
  });
});

function withoutGate(): Candidate {
  const { gate: _, ...candidate } = CANDIDATE;
  return candidate;
}

function withoutLimit(candidate: Candidate = CANDIDATE): Candidate {
  const { limit: _, ...rest } = candidate;
  return rest;
}

describe('what the next phase waits for', () => {
  const LATER = '2026-12-01T08:00:00.000Z';

  it('is the time of its beginning alone, while the candidate is offered to groups', () => {
    const { candidate } = rollout({ percent: 0, gate: { after: 60, every: 3_600, notBefore: LATER } });
    expect(waitsFor(candidate ?? CANDIDATE, counted({}))).toEqual([{ kind: 'time', until: LATER }]);
  });

  it('is that time too for a share below the first phase, and not after it', () => {
    const gate = { after: 0, notBefore: LATER };
    const waiting = (percent: number) =>
      waitsFor({ ...CANDIDATE, phases: [5, 10], percent, gate }, counted({ booted: 99 }));
    expect(waiting(1)).toEqual([{ kind: 'time', until: LATER }]);
    expect(waiting(5)).toEqual([]);
  });

  it('is nothing for a share below the first phase where the gate has no time', () => {
    const candidate = { ...CANDIDATE, phases: [5, 10], gate: { after: 0 } };
    expect(waitsFor(candidate, counted({ booted: 99 }))).toEqual([]);
  });

  it('is nothing where an operator has to begin it', () => {
    expect(waitsFor(withoutGate(), counted({}))).toEqual([]);
  });

  it('is that enough have booted of all, where it is not known when a phase began', () => {
    const { begun: _, ...candidate } = CANDIDATE;
    expect(waitsFor(candidate, counted({ booted: 59 }, 0))).toEqual([
      { kind: 'booted', booted: 59, after: 60 },
    ]);
    expect(waitsFor(candidate, counted({ booted: 60 }, 0))).toEqual([]);
  });
});

describe('the reason of a halt', () => {
  it('has how many of how many, their share, and the limit', () => {
    expect(haltReason({ failed: 2, lost: 1, of: 40 }, CANDIDATE)).toBe(
      'halted: 3 of 40 devices failed or were lost (7.5 %), the limit is 2 %',
    );
  });
});
