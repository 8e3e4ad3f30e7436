import { describe, expect, it } from 'vitest';
import { MAX_BEGUN } from '../../../../src/firmware/rollout.js';
import {
  beginNextPhase,
  halt,
  pause,
  type RolloutRequest,
  resume,
  rollOut,
} from '../../../../src/firmware/transitions.js';
import type { TypeState } from '../../../../src/firmware/type-state.js';
import {
  CANDIDATE,
  changed,
  counting,
  made,
  PAUSED,
  PHASES,
  refusal,
  rolledOut,
  STABLE,
} from '../support/transitions.js';
import { AUTHOR } from '../support/types.js';

describe('a rollout in phases', () => {
  it('begins with the first, and the rest follows as the gate says', () => {
    const change = made(rollOut(STABLE, { ...PHASES, every: 3_600 }, AUTHOR));
    expect(change.rollout.candidate).toMatchObject({
      percent: 1,
      phases: [1, 10, 100],
      gate: { after: 60, every: 3_600 },
      limit: { maxFailures: 2, min: 30 },
    });
    expect(change.text).toBe(
      '1.3.0 is offered to 1 % of devices, then to 10 %, 100 % after 60 more devices have booted, at least 3600 s apart; ' +
        'halts when more than 2 % of at least 30 devices fail or are lost',
    );
  });

  it('begins at its time, and with nobody before that', () => {
    const change = made(rollOut(STABLE, { ...PHASES, notBefore: '2026-12-01T08:00:00.000Z' }, AUTHOR));
    expect(change.rollout.candidate).toMatchObject({ percent: 0, begun: [{ percent: 0 }] });
    expect(change.text).toContain('1.3.0 is offered to nobody yet, then to 1 %, 10 %, 100 %');
    const past = made(rollOut(STABLE, { ...PHASES, notBefore: '2026-11-01T08:00:00.000Z' }, AUTHOR));
    expect(past.rollout.candidate?.percent).toBe(1);
  });

  it('goes on when an operator says so, whatever its gate, with what was counted by then', () => {
    const state = counting(rolledOut(STABLE, PHASES), { offered: 9, booted: 3 });
    const { candidate } = made(beginNextPhase(state, AUTHOR)).rollout;
    expect(candidate).toMatchObject({ percent: 10, phases: [1, 10, 100] });
    expect(candidate?.begun?.map(({ percent, counts }) => [percent, counts.booted])).toEqual([
      [1, 0],
      [10, 3],
    ]);
  });

  it('replaces its plan and gate, and keeps a share that has begun', () => {
    const state = rolledOut(rolledOut(STABLE, PHASES), { percent: 20 });
    const again = rolledOut(state, { phases: [5, 50, 100], every: 60 });
    expect(again.rollout?.candidate).toMatchObject({
      ...{ percent: 20, phases: [5, 50, 100], gate: { after: 0, every: 60 } },
      limit: { maxFailures: 2, min: 30 },
    });
  });

  it('keeps the first entry and the last that ended a pause, however many shares there were', () => {
    let state = changed(rolledOut(STABLE, PHASES), (before) => pause(before, undefined, AUTHOR));
    state = counting(state, { booted: 7 });
    state = changed(state, (before) => resume(before, 2, AUTHOR));
    for (let i = 0; i < 50; i++) state = rolledOut(state, { percent: 3 + (i % 2) });
    const { begun = [] } = state.rollout?.candidate ?? {};
    expect(begun).toHaveLength(MAX_BEGUN);
    expect(begun[0]).toMatchObject({ percent: 1, counts: { booted: 0 } });
    expect(begun.filter(({ resumed }) => resumed)).toMatchObject([{ percent: 2, counts: { booted: 7 } }]);
  });

  it.each<[string, TypeState, RolloutRequest, RegExp]>([
    ['that shrink', STABLE, { phases: [10, 5] }, /^phases: phases must be percentages that grow/],
    ['of which there are none', STABLE, { phases: [] }, /^phases: /],
    ['beside a percentage', STABLE, { phases: [1, 10], percent: 5 }, /^phases: .*leave --percent out/],
    [
      'that are all begun',
      rolledOut(STABLE, { percent: 50 }),
      { phases: [10, 50] },
      /^phases: 1\.3\.0 is offered to 50 %/,
    ],
    ['that are missing for a gate', STABLE, { percent: 1, after: 60 }, /^gate: .*give --phases/],
    [
      'that would all begin at once',
      STABLE,
      { phases: [1, 10], notBefore: '2026-12-01T08:00:00.000Z' },
      /^gate: every phase after the first would begin at once/,
    ],
    ['with a minimum for no limit', STABLE, { percent: 1, min: 60 }, /^limit: .*give --max-failures/],
    ['with a limit above 100 %', STABLE, { percent: 1, maxFailures: 101 }, /^percent: /],
    ['that rescue from themselves', STABLE, { version: '1.3.0', percent: 1, rescue: ['1.3.0'] }, /^rescue: /],
  ])('is refused with phases %s', (_, state, request, expected) => {
    expect(refusal(rollOut(state, request, AUTHOR))).toMatch(expected);
  });

  it('begins no phase where none follows, or while the candidate is paused', () => {
    expect(refusal(beginNextPhase(CANDIDATE, AUTHOR))).toBe(
      'no-phase: 1.3.0 is offered to 10 % of devices and the group beta, and there is no further phase; ' +
        'give --percent or --phases, or promote it',
    );
    const paused = changed(rolledOut(STABLE, PHASES), (state) => pause(state, undefined, AUTHOR));
    expect(refusal(beginNextPhase(paused, AUTHOR))).toMatch(/^paused: /);
    expect(refusal(beginNextPhase(STABLE, AUTHOR))).toMatch(/^no-candidate: /);
  });
});

describe('a halt', () => {
  it('pauses the candidate, with what was counted and why', () => {
    const change = made(halt(rolledOut(STABLE, PHASES), { failed: 9, lost: 3, of: 80 }, AUTHOR));
    const reason = 'halted: 12 of 80 devices failed or were lost (15 %), the limit is 2 %';
    expect(change.rollout.paused).toEqual({ ...AUTHOR, reason, halted: { failed: 9, lost: 3, of: 80 } });
    expect(change.text).toBe(`1.3.0 is ${reason}`);
    expect(refusal(halt(PAUSED, { failed: 9, lost: 3, of: 80 }, AUTHOR))).toMatch(/^paused: /);
  });

  it('is ended by resume, from which on failures count', () => {
    const state = counting(
      changed(rolledOut(STABLE, PHASES), (before) => halt(before, { failed: 9, lost: 3, of: 80 }, AUTHOR)),
      { booted: 68, failed: 9, lost: 3 },
    );
    const { rollout } = made(resume(state, 5, AUTHOR));
    expect(rollout.paused).toBeUndefined();
    expect(rollout.candidate?.begun?.at(-1)).toMatchObject({
      percent: 5,
      resumed: true,
      counts: { failed: 9 },
    });
  });
});
