import { describe, expect, it } from 'vitest';
import { compareReleases } from '../../../src/firmware/names.js';
import { type Counts, NO_COUNTS } from '../../../src/firmware/outcomes.js';
import type { Checked } from '../../../src/firmware/refusal.js';
import { decodeRollout, encodeRollout, MAX_BEGUN, type Rollout } from '../../../src/firmware/rollout.js';
import {
  beginNextPhase,
  type Change,
  halt,
  pause,
  promote,
  prunable,
  type RolloutRequest,
  resume,
  rollBack,
  rollOut,
  shadow,
} from '../../../src/firmware/transitions.js';
import type { TypeState } from '../../../src/firmware/type-state.js';
import { fc } from '../../support/property.js';
import { AUTHOR, release, typeWith } from './support/types.js';

const RELEASES = typeWith(release('1.1.0'), release('1.2.0'), release('1.3.0'));

function made(change: Checked<Change>): Change {
  if (!change.ok) throw new Error(`${change.refusal.code}: ${change.refusal.reason}`);
  return change.value;
}

/** The type after a change. */
function changed(state: TypeState, change: (state: TypeState) => Checked<Change>): TypeState {
  return { ...state, rollout: made(change(state)).rollout };
}

function refusal(change: Checked<unknown>): string {
  if (change.ok) return 'accepted';
  const { code, reason, remedy } = change.refusal;
  return `${code}: ${reason}; ${remedy}`;
}

function rolledOut(state: TypeState, request: RolloutRequest): TypeState {
  return changed(state, (before) => rollOut(before, request, AUTHOR));
}

const STABLE = changed(rolledOut(RELEASES, { version: '1.2.0', percent: 10 }), (state) =>
  promote(state, AUTHOR),
);
const CANDIDATE = rolledOut(STABLE, { version: '1.3.0', percent: 10, groups: ['beta'] });
const PAUSED = changed(CANDIDATE, (state) => pause(state, 'too warm', AUTHOR));

describe('a rollout', () => {
  it('begins with the newest release and a salt of its own, and names who is offered it', () => {
    const change = made(rollOut(RELEASES, { percent: 12.5, groups: ['beta', 'lab'] }, AUTHOR));
    expect(change.rollout).toEqual({
      ...AUTHOR,
      candidate: {
        ...{ version: '1.3.0', salt: 'toaster-1.3.0', percent: 12.5, groups: ['beta', 'lab'] },
        begun: [{ percent: 12.5, at: AUTHOR.at, counts: NO_COUNTS }],
      },
      downgrade: false,
      secureVersion: 0,
    });
    expect(change.text).toBe('1.3.0 is offered to 12.5 % of devices and the groups beta, lab');
  });

  it('grows as requested, and keeps the rest: the groups, the salt, the stable release', () => {
    const grown = rolledOut(CANDIDATE, { percent: 50 });
    expect(grown.rollout).toMatchObject({
      stable: '1.2.0',
      candidate: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 50, groups: ['beta'] },
    });
  });

  it('repeats a cohort with its salt', () => {
    const fixed = rolledOut(typeWith(release('1.3.1')), { percent: 10, salt: 'toaster-1.3.0' });
    expect(fixed.rollout?.candidate?.salt).toBe('toaster-1.3.0');
  });

  it.each<[string, TypeState, RolloutRequest, RegExp | string]>([
    [
      'a release that there is not',
      RELEASES,
      { version: '9.0.0', percent: 1 },
      'no-release: type toaster has no release 9.0.0; choose one of its newest: 1.3.0, 1.2.0, 1.1.0',
    ],
    [
      'a type without releases',
      typeWith(),
      { percent: 1 },
      'no-release: type toaster has no release; publish a release first',
    ],
    [
      'the stable release',
      STABLE,
      { version: '1.2.0', percent: 1 },
      'is-stable: 1.2.0 is the stable release already: every device is offered it; publish a newer release',
    ],
    [
      'a release before the stable one',
      STABLE,
      { version: '1.1.0', percent: 1 },
      'version-backwards: 1.1.0 comes before 1.2.0, which is stable; go back with `sidekick firmware rollback`',
    ],
    ['nobody', RELEASES, {}, /^nobody: .*--percent, --group/],
    ['0 % and no group', CANDIDATE, { percent: 0, groups: [] }, /^nobody: /],
    ['more than 100 %', RELEASES, { percent: 100.5 }, /^percent: /],
    ['a thousandth of a percent', RELEASES, { percent: 0.001 }, /^percent: /],
    [
      'a group that there is not',
      RELEASES,
      { groups: ['beta', 'alpha'] },
      /^no-group: type toaster has no group alpha; choose one of beta, lab/,
    ],
    [
      'too many groups',
      RELEASES,
      { groups: Array.from({ length: 9 }, (_, i) => `g${i}`) },
      'no-group: a candidate has at most 8 groups; put the devices of several groups into one group',
    ],
    [
      'a salt with spaces',
      RELEASES,
      { percent: 1, salt: 'a b' },
      /^salt: salt must be a letter or digit.*; choose another salt$/,
    ],
    ['another salt halfway', CANDIDATE, { percent: 20, salt: 'other' }, /^salt-fixed: .*leave --salt out/],
    [
      'a paused candidate',
      PAUSED,
      { percent: 20 },
      'paused: 1.3.0 was paused at 2026-11-27T12:00:00.000Z by root@lb1: too warm; resume it, or roll out a fixed release',
    ],
  ])('is refused to %s', (_, state, request, expected) => {
    expect(refusal(rollOut(state, request, AUTHOR))).toMatch(expected);
  });

  it('is refused for what devices would not boot: a secure_version below the highest that was offered', () => {
    const state = rolledOut(typeWith(release('1.0.0', 2), release('1.1.0', 1)), {
      version: '1.0.0',
      percent: 1,
    });
    expect(state.rollout?.secureVersion).toBe(2);
    expect(refusal(rollOut(state, { version: '1.1.0', percent: 1 }, AUTHOR))).toBe(
      'secure-version: 1.1.0 has secure_version 1, but devices have been offered 2: they would not boot it; ' +
        'publish a release whose secure_version is not lower',
    );
  });

  it('resumes after a pause with another percentage, or with its own', () => {
    expect(PAUSED.rollout?.paused).toEqual({ ...AUTHOR, reason: 'too warm' });
    const resumed = made(resume(PAUSED, 1, AUTHOR));
    expect(resumed.rollout).toMatchObject({ candidate: { percent: 1, groups: ['beta'] } });
    expect(resumed.rollout).not.toHaveProperty('paused');
    expect(made(resume(PAUSED, undefined, AUTHOR)).rollout.candidate?.percent).toBe(10);
    expect(refusal(resume(PAUSED, 200, AUTHOR))).toMatch(/^percent: /);
  });

  it('replaces a paused release by a newer one, which is not paused', () => {
    const more = { ...PAUSED, releases: new Map([...PAUSED.releases, ['1.3.1', release('1.3.1')]]) };
    expect(rolledOut(more, { version: '1.3.1', percent: 5 }).rollout).not.toHaveProperty('paused');
  });

  it('ends with a promotion, and remembers the previous stable release', () => {
    const change = made(promote(CANDIDATE, AUTHOR));
    expect(change.rollout).toEqual({
      ...AUTHOR,
      stable: '1.3.0',
      previous: '1.2.0',
      downgrade: false,
      secureVersion: 0,
    });
    expect(change.text).toBe('1.3.0 is the stable release, in place of 1.2.0');
  });

  it('rolls back first the candidate, then the stable release', () => {
    const back = made(rollBack(PAUSED, false, AUTHOR));
    expect(back.rollout).toEqual({ ...AUTHOR, stable: '1.2.0', downgrade: false, secureVersion: 0 });
    const promoted = changed(CANDIDATE, (state) => promote(state, AUTHOR));
    expect(made(rollBack(promoted, true, AUTHOR)).rollout).toEqual({
      ...AUTHOR,
      stable: '1.2.0',
      downgrade: true,
      secureVersion: 0,
    });
  });

  it('needs a confirmation to roll back for devices that install whatever is offered, since that is a downgrade', () => {
    const promoted = changed(CANDIDATE, (state) => promote(state, AUTHOR));
    expect(refusal(rollBack(promoted, false, AUTHOR))).toBe(
      'would-downgrade: ESPHome devices would be offered 1.2.0 as an update, although it is older; ' +
        'give --downgrade, or publish a fixed release under a higher number',
    );
    const record = { chip: 'esp32s3', forms: ['esp32fota' as const] };
    expect(made(rollBack({ ...promoted, record }, false, AUTHOR)).rollout.downgrade).toBe(false);
  });

  it('never rolls back to what devices would not boot', () => {
    const raised = typeWith(release('1.2.0', 0), release('1.3.0', 1));
    const stable = changed(rolledOut(raised, { version: '1.2.0', percent: 1 }), (state) =>
      promote(state, AUTHOR),
    );
    const candidate = rolledOut(stable, { version: '1.3.0', percent: 1 });
    expect(refusal(rollBack(candidate, true, AUTHOR))).toMatch(/^secure-version: /);
    expect(made(rollBack(candidate, false, AUTHOR)).rollout).toMatchObject({
      stable: '1.2.0',
      secureVersion: 1,
    });
    const promoted = changed(candidate, (state) => promote(state, AUTHOR));
    expect(refusal(rollBack(promoted, true, AUTHOR))).toMatch(/^secure-version: /);
  });

  it.each<[string, Checked<unknown>, RegExp | string]>([
    [
      'pause of nothing',
      pause(STABLE, undefined, AUTHOR),
      'no-candidate: no release is being rolled out; begin one with `sidekick firmware rollout`',
    ],
    ['pause twice', pause(PAUSED, undefined, AUTHOR), /^paused: .*by root@lb1: too warm/],
    [
      'pause twice without a reason',
      pause(
        changed(CANDIDATE, (state) => pause(state, undefined, AUTHOR)),
        'too warm',
        AUTHOR,
      ),
      /^paused: .*by root@lb1; resume it/,
    ],
    [
      'resume of what is not paused',
      resume(CANDIDATE, undefined, AUTHOR),
      'not-paused: 1.3.0 is not paused; there is nothing to resume',
    ],
    ['resume of nothing', resume(RELEASES, undefined, AUTHOR), /^no-candidate: /],
    ['promote of nothing', promote(STABLE, AUTHOR), /^no-candidate: /],
    ['promote of what is paused', promote(PAUSED, AUTHOR), /^paused: /],
    [
      'rollback to nothing',
      rollBack(STABLE, true, AUTHOR),
      'no-previous: type toaster has no release to go back to; publish a fixed release',
    ],
    ['rollback before a rollout', rollBack(RELEASES, false, AUTHOR), /^no-previous: /],
    [
      'prune of everything',
      prunable(STABLE, 0),
      'keep: 0 is not a number of releases that can be kept; give --keep with a whole number from 1',
    ],
    ['prune of a half', prunable(STABLE, 1.5), /^keep: /],
  ])('is refused for %s', (_, change, expected) => {
    expect(refusal(change)).toMatch(expected);
  });

  it('is not changed if etcd has something unreadable of the type', () => {
    const state = {
      ...CANDIDATE,
      unreadable: [{ key: '/sidekick/firmware/toaster/rollout', reason: 'is not JSON' }],
    };
    for (const change of [
      rollOut(state, { percent: 20 }, AUTHOR),
      pause(state, undefined, AUTHOR),
      resume(state, undefined, AUTHOR),
      promote(state, AUTHOR),
      rollBack(state, false, AUTHOR),
      prunable(state, 3),
    ]) {
      expect(refusal(change)).toMatch(/^unreadable: /);
    }
  });

  it('prunes other releases, never one that it names', () => {
    const many = typeWith(...Array.from({ length: 10 }, (_, i) => release(`1.${i}.0`)));
    const stable = changed(rolledOut(many, { version: '1.2.0', percent: 1 }), (state) =>
      promote(state, AUTHOR),
    );
    const state = rolledOut(stable, { version: '1.4.0', percent: 1 });
    expect(prunable(state, 3)).toEqual({ ok: true, value: ['1.6.0', '1.5.0', '1.3.0', '1.1.0', '1.0.0'] });
    expect(prunable(state, 20)).toEqual({ ok: true, value: [] });
  });

  it('never prunes a stepping stone, however old it is', () => {
    const stone = { ...release('1.0.0'), through: true as const };
    const many = typeWith(stone, ...Array.from({ length: 4 }, (_, i) => release(`1.${i + 1}.0`)));
    expect(prunable(many, 1)).toEqual({ ok: true, value: ['1.3.0', '1.2.0', '1.1.0'] });
  });

  it('is promoted only while devices get to it', () => {
    const releases = new Map([...CANDIDATE.releases, ['1.3.0', { ...release('1.3.0'), from: '1.2.5' }]]);
    expect(refusal(promote({ ...CANDIDATE, releases }, AUTHOR))).toMatch(
      /^chain-broken: devices below 1\.2\.5/,
    );
  });

  it('keeps its invariants through any sequence of changes', () => {
    const versions = ['1.0.0', '1.1.0', '1.2.0', '2.0.0', '7.0.0'];
    const step = fc.oneof(
      fc
        .record({
          version: fc.option(fc.constantFrom(...versions, '9.9.9'), { nil: undefined }),
          percent: fc.option(fc.constantFrom(0, 1, 50, 100, 101), { nil: undefined }),
          groups: fc.option(fc.subarray(['beta', 'lab', 'none']), { nil: undefined }),
          salt: fc.option(fc.constantFrom('one', 'two'), { nil: undefined }),
        })
        .map(
          (request) => (state: TypeState) =>
            rollOut(state, JSON.parse(JSON.stringify(request)) as RolloutRequest, AUTHOR),
        ),
      fc
        .record({
          phases: fc.constantFrom([1, 10, 100], [50], [10, 5], []),
          after: fc.option(fc.nat(10), { nil: undefined }),
          notBefore: fc.option(fc.constant('2027-01-01T00:00:00.000Z'), { nil: undefined }),
          maxFailures: fc.option(fc.constantFrom(2, 101), { nil: undefined }),
          rescue: fc.option(fc.constantFrom(['1.0.0'], ['2.0.0']), { nil: undefined }),
        })
        .map(
          (request) => (state: TypeState) =>
            rollOut(state, JSON.parse(JSON.stringify(request)) as RolloutRequest, AUTHOR),
        ),
      fc.constant((state: TypeState) => beginNextPhase(state, AUTHOR)),
      fc.constant((state: TypeState) => halt(state, { failed: 3, lost: 1, of: 30 }, AUTHOR)),
      fc.constantFrom(0, 10).map((percent) => (state: TypeState) => shadow(state, { percent }, AUTHOR)),
      fc.constant((state: TypeState) => pause(state, 'why', AUTHOR)),
      fc.constant((state: TypeState) => resume(state, 5, AUTHOR)),
      fc.constant((state: TypeState) => promote(state, AUTHOR)),
      fc.boolean().map((downgrade) => (state: TypeState) => rollBack(state, downgrade, AUTHOR)),
    );
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { minLength: versions.length, maxLength: versions.length }),
        fc.array(step, { maxLength: 30 }),
        (secure, steps) => {
          let state = typeWith(...versions.map((version, i) => release(version, secure[i] ?? 0)));
          for (const change of steps) {
            const result = change(state);
            if (!result.ok) continue;
            const { rollout } = result.value;
            checkPromises(state, rollout);
            state = { ...state, rollout };
          }
        },
      ),
    );
  });
});

const PHASES = { version: '1.3.0', phases: [1, 10, 100], after: 60, maxFailures: 2 };

describe('a change in words', () => {
  const FIRST = rolledOut(RELEASES, { version: '1.2.0', percent: 10 });
  const NEWER = changed(CANDIDATE, (state) => promote(state, AUTHOR));
  const COUNTED = changed(STABLE, (state) => shadow(state, {}, AUTHOR));
  const rollout = (request: RolloutRequest) => rollOut(STABLE, { version: '1.3.0', ...request }, AUTHOR);

  it.each<[string, Checked<Change>]>([
    ['1.3.0 is offered to the group beta', rollout({ groups: ['beta'] })],
    ['1.3.0 is offered to 1 % of devices, then to 10 % with rollout --next', rollout({ phases: [1, 10] })],
    [
      '1.3.0 is offered to 1 % of devices, then to 10 % at least 60 s apart',
      rollout({ phases: [1, 10], every: 60 }),
    ],
    [
      '1.3.0 is offered to nobody yet, then to 1 %, 10 % after 5 more devices have booted, from 2026-12-01T08:00:00.000Z on',
      rollout({ phases: [1, 10], after: 5, notBefore: '2026-12-01T08:00:00.000Z' }),
    ],
    [
      '1.3.0 is offered to 5 % of devices; halts when more than 2 % of at least 30 devices fail or are lost',
      rollout({ percent: 5, maxFailures: 2 }),
    ],
    [
      '1.3.0 is offered to 10 % of devices, then to 100 % after 60 more devices have booted; ' +
        'halts when more than 2 % of at least 30 devices fail or are lost',
      beginNextPhase(rolledOut(STABLE, PHASES), AUTHOR),
    ],
    ['1.3.0 is paused: too warm', pause(CANDIDATE, 'too warm', AUTHOR)],
    ['1.3.0 is paused', pause(CANDIDATE, undefined, AUTHOR)],
    ['1.3.0 is offered again, to 2 % of devices and the group beta', resume(PAUSED, 2, AUTHOR)],
    ['1.2.0 is the stable release', promote(FIRST, AUTHOR)],
    ['1.2.0 is withdrawn', rollBack(FIRST, false, AUTHOR)],
    ['1.3.0 is withdrawn: 1.2.0 stays the stable release', rollBack(CANDIDATE, false, AUTHOR)],
    ['1.3.0 is withdrawn: 1.2.0 is the stable release again', rollBack(NEWER, true, AUTHOR)],
    ['1.3.0 is not in shadow any more', shadow(COUNTED, { percent: 0 }, AUTHOR)],
  ])('is: %s', (text, change) => {
    expect(made(change).text).toBe(text);
  });

  it('names the release that it is about', () => {
    const changes = [
      rollOut(RELEASES, { percent: 1 }, AUTHOR),
      beginNextPhase(rolledOut(STABLE, PHASES), AUTHOR),
      halt(CANDIDATE, { failed: 1, lost: 0, of: 1 }, AUTHOR),
      pause(CANDIDATE, undefined, AUTHOR),
      resume(PAUSED, undefined, AUTHOR),
      promote(CANDIDATE, AUTHOR),
      rollBack(CANDIDATE, false, AUTHOR),
      rollBack(NEWER, true, AUTHOR),
      shadow(STABLE, {}, AUTHOR),
      shadow(COUNTED, { percent: 0 }, AUTHOR),
    ];
    for (const change of changes) expect(made(change).version).toBe('1.3.0');
  });
});

/** The type with this counted of 1.3.0. */
function counting(state: TypeState, counts: Partial<Counts>): TypeState {
  const all = new Map([['1.3.0', { ...NO_COUNTS, ...counts }]]);
  const record = { nginx: 'lb1', at: AUTHOR.at, sample: 1, counts: all };
  return { ...state, outcomes: new Map([['a'.repeat(16), record]]) };
}

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
    expect(refusal(beginNextPhase(CANDIDATE, AUTHOR))).toMatch(/^no-phase: .*and there is no further phase/);
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

describe('a rescue', () => {
  it('offers the candidate to devices that run a bad release, if to nobody else', () => {
    const change = made(rollOut(STABLE, { version: '1.3.0', rescue: ['1.2.0', '1.1.0'] }, AUTHOR));
    expect(change.rollout.candidate).toMatchObject({ percent: 0, rescue: ['1.2.0', '1.1.0'] });
    expect(change.text).toBe('1.3.0 is offered to devices that run 1.2.0, 1.1.0');
  });
});

describe('a shadow', () => {
  it('counts whom a release would reach, with the salt that it will have, and changes nothing else', () => {
    const { rollout, text } = made(shadow(STABLE, { percent: 10 }, AUTHOR));
    expect(rollout).toEqual({
      ...STABLE.rollout,
      shadow: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 10 },
    });
    expect(text).toBe(
      '1.3.0 is in shadow at 10 %: no device is offered it, and those that it would reach are counted',
    );
  });

  it('comes, where an operator wants it, before anything was rolled out, and ends at 0 % and when its release is rolled out', () => {
    const counted = changed(RELEASES, (state) => shadow(state, {}, AUTHOR));
    expect(counted.rollout).toEqual({
      ...AUTHOR,
      ...{ downgrade: false, secureVersion: 0 },
      shadow: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 100 },
    });
    expect(made(shadow(counted, { percent: 0 }, AUTHOR)).rollout.shadow).toBeUndefined();
    expect(rolledOut(counted, { version: '1.3.0', percent: 1 }).rollout?.shadow).toBeUndefined();
    expect(rolledOut(counted, { version: '1.2.0', percent: 1 }).rollout?.shadow).toBeDefined();
  });

  it('is refused of the stable release, and of one that comes before it', () => {
    expect(refusal(shadow(STABLE, { version: '1.2.0' }, AUTHOR))).toMatch(/^is-stable: /);
    expect(refusal(shadow(STABLE, { version: '1.1.0' }, AUTHOR))).toMatch(/^version-backwards: /);
  });
});

function checkPromises(before: TypeState, rollout: Rollout): void {
  expect(decodeRollout(encodeRollout(rollout))).toEqual({ ok: true, value: rollout });
  const { stable, previous, candidate, paused, secureVersion, shadow: counted } = rollout;
  for (const id of [stable, previous, candidate?.version, counted?.version]) {
    if (id !== undefined) expect(before.releases.has(id)).toBe(true);
  }
  expect(secureVersion).toBeGreaterThanOrEqual(before.rollout?.secureVersion ?? 0);
  if (paused !== undefined) expect(candidate).toBeDefined();
  if (candidate !== undefined) expect(candidate.begun?.at(-1)?.percent).toBe(candidate.percent);
  if (candidate !== undefined && stable !== undefined) {
    expect(compareReleases(candidate.version, stable)).toBeGreaterThan(0);
  }
  const left = prunable({ ...before, rollout }, 1);
  expect(left.ok && left.value.every((id) => ![stable, previous, candidate?.version].includes(id))).toBe(
    true,
  );
}
