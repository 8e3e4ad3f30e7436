import { describe, expect, it } from 'vitest';
import { compareReleases } from '../../../../src/firmware/names.js';
import { NO_COUNTS } from '../../../../src/firmware/outcomes.js';
import type { Checked } from '../../../../src/firmware/refusal.js';
import { decodeRollout, encodeRollout, type Rollout } from '../../../../src/firmware/rollout.js';
import {
  beginNextPhase,
  halt,
  pause,
  promote,
  prunable,
  type RolloutRequest,
  resume,
  rollBack,
  rollOut,
  shadow,
} from '../../../../src/firmware/transitions.js';
import type { TypeState } from '../../../../src/firmware/type-state.js';
import { fc } from '../../../support/property.js';
import {
  CANDIDATE,
  changed,
  made,
  PAUSED,
  RELEASES,
  refusal,
  rolledOut,
  STABLE,
} from '../support/transitions.js';
import { AUTHOR, release, typeWith } from '../support/types.js';

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

  it('is made to eight groups', () => {
    const names = Array.from({ length: 8 }, (_, i) => `g${i}`);
    const state = { ...RELEASES, groups: new Map(names.map((name) => [name, []])) };
    expect(rolledOut(state, { groups: names }).rollout?.candidate?.groups).toEqual(names);
  });

  it('names the five newest releases where one is named that there is not', () => {
    const many = typeWith(...Array.from({ length: 7 }, (_, i) => release(`1.${i}.0`)));
    expect(refusal(rollOut(many, { version: '9.0.0', percent: 1 }, AUTHOR))).toMatch(
      /: 1\.6\.0, 1\.5\.0, 1\.4\.0, 1\.3\.0, 1\.2\.0$/,
    );
  });

  it('begins although somebody has written a pause of nothing into etcd', () => {
    const state = { ...RELEASES, rollout: { ...AUTHOR, paused: AUTHOR, downgrade: false, secureVersion: 0 } };
    expect(rolledOut(state, { percent: 1 }).rollout?.candidate?.version).toBe('1.3.0');
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

  it('takes devices back from a candidate too, where an operator asks for it', () => {
    expect(made(rollBack(CANDIDATE, true, AUTHOR)).rollout).toMatchObject({
      stable: '1.2.0',
      downgrade: true,
    });
  });

  it('does not roll back to a release that is gone', () => {
    const promoted = changed(CANDIDATE, (state) => promote(state, AUTHOR));
    const releases = new Map([...promoted.releases].filter(([id]) => id !== '1.2.0'));
    expect(refusal(rollBack({ ...promoted, releases }, true, AUTHOR))).toMatch(/^no-release: /);
    expect(made(rollBack({ ...promoted, record: undefined }, false, AUTHOR)).version).toBe('1.3.0');
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

describe('a rescue', () => {
  it('offers the candidate to devices that run a bad release, if to nobody else', () => {
    const change = made(rollOut(STABLE, { version: '1.3.0', rescue: ['1.2.0', '1.1.0'] }, AUTHOR));
    expect(change.rollout.candidate).toMatchObject({ percent: 0, rescue: ['1.2.0', '1.1.0'] });
    expect(change.text).toBe('1.3.0 is offered to devices that run 1.2.0, 1.1.0');
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
