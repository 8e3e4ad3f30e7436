import { describe, expect, it } from 'vitest';
import { decodeGroup, encodeGroup, type Group, MAX_GROUP } from '../../../src/firmware/group.js';
import { changeGroup, deleteGroup } from '../../../src/firmware/group-changes.js';
import type { Checked } from '../../../src/firmware/refusal.js';
import { MAX_MEMBERS } from '../../../src/firmware/rollout.js';
import { rollOut } from '../../../src/firmware/transitions.js';
import { emptyType, type TypeState } from '../../../src/firmware/type-state.js';
import { AUTHOR, release, typeWith } from './support/types.js';

/** As many different device ids. */
function ids(count: number, prefix = 'device'): Group {
  return Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(5, '0')}`);
}

function withGroups(groups: Readonly<Record<string, Group>>): TypeState {
  return { ...typeWith(release('1.3.0')), groups: new Map(Object.entries(groups)) };
}

/** The type while its candidate is offered to these groups. */
function offeredTo(state: TypeState, ...groups: readonly string[]): TypeState {
  return { ...state, rollout: made(rollOut(state, { groups }, AUTHOR)).rollout };
}

function made<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new Error(`${checked.refusal.code}: ${checked.refusal.reason}`);
  return checked.value;
}

function refusal(checked: Checked<unknown>): string {
  if (checked.ok) return 'accepted';
  return `${checked.refusal.code}: ${checked.refusal.reason}; ${checked.refusal.remedy}`;
}

describe('a change to a group', () => {
  it('creates a group with its first devices, in order and each once', () => {
    const change = made(changeGroup(withGroups({}), 'bench', { add: ['b', 'a', 'b'], remove: [] }));
    expect(change).toEqual({
      group: { name: 'bench', ids: ['a', 'b'] },
      text: 'group bench has 2 devices: 2 added, 0 removed',
    });
  });

  it('adds and removes devices', () => {
    const state = withGroups({ bench: ['a', 'b', 'c'] });
    const change = made(changeGroup(state, 'bench', { add: ['d', 'a'], remove: ['b', 'z'] }));
    expect(change).toEqual({
      group: { name: 'bench', ids: ['a', 'c', 'd'] },
      text: 'group bench has 3 devices: 1 added, 1 removed',
    });
  });

  it('leaves these devices and no others', () => {
    const change = made(changeGroup(withGroups({ bench: ['a', 'b'] }), 'bench', { only: ['c', 'b'] }));
    expect(change.group?.ids).toEqual(['b', 'c']);
  });

  it('writes nothing if the group has these devices already', () => {
    const state = withGroups({ bench: ['a'] });
    expect(made(changeGroup(state, 'bench', { add: ['a'], remove: ['b'] }))).toEqual({
      text: 'group bench stays as it is: 1 device',
    });
    // One that has nobody is not one that does not exist.
    expect(made(changeGroup(state, 'lab', { only: [] })).group).toEqual({ name: 'lab', ids: [] });
  });

  it('deletes a group', () => {
    expect(made(deleteGroup(withGroups({ bench: ['a'] }), 'bench'))).toEqual({
      deleteGroup: 'bench',
      text: 'group bench is deleted',
    });
  });

  const FULL = withGroups({ beta: ids(MAX_MEMBERS), bench: ['a'] });
  it.each<[string, Checked<unknown>, RegExp | string]>([
    [
      'for a type that nobody has published anything of',
      changeGroup(emptyType('tosater'), 'bench', { only: ['a'] }),
      'no-release: nothing has been published of type tosater; publish its first release, then make the group',
    ],
    [
      'of more devices than a group holds',
      changeGroup(FULL, 'beta', { add: ['one-more'], remove: [] }),
      'too-many-devices: group beta would have 2001 devices, of at most 2000; ' +
        'offer the release to a percentage: groups are for devices that somebody knows',
    ],
    [
      'of more devices than a candidate may be offered to',
      changeGroup(offeredTo(FULL, 'beta'), 'beta', { only: ids(MAX_GROUP + 1) }),
      /^too-many-devices: /,
    ],
    [
      'that makes the groups of the candidate too large together',
      changeGroup(offeredTo(withGroups({ a: ids(1500), b: [] }), 'a', 'b'), 'b', { only: ids(600, 'other') }),
      'too-many-devices: the groups a, b have 2100 devices together, of at most 2000; ' +
        'name fewer groups, or offer the release to a percentage',
    ],
    [
      'that deletes what is not there',
      deleteGroup(FULL, 'lab'),
      'no-group: type toaster has no group lab; choose one of bench, beta',
    ],
    [
      'that deletes what is not there, where there is no group at all',
      deleteGroup(withGroups({}), 'lab'),
      'no-group: type toaster has no group lab; make it first: sidekick firmware group toaster lab --add ID',
    ],
    [
      'that deletes what is not there, with the first five groups there are',
      deleteGroup(withGroups({ f: [], e: [], d: [], c: [], b: [], a: [] }), 'lab'),
      /; choose one of a, b, c, d, e$/,
    ],
    [
      'that deletes what a release is offered to',
      deleteGroup(offeredTo(FULL, 'bench'), 'bench'),
      'group-in-use: 1.3.0 is offered to group bench; promote it, withdraw it, or roll it out to other groups first',
    ],
    [
      'where a key cannot be read that decides who is offered what',
      changeGroup(
        { ...FULL, unreadable: [{ key: '/sidekick/firmware/toaster/groups/lab', reason: 'is no JSON' }] },
        'bench',
        { only: [] },
      ),
      /^unreadable: /,
    ],
  ])('is refused %s', (_, checked, expected) => {
    expect(refusal(checked)).toMatch(expected);
  });

  it('is allowed for a large group if the candidate is offered to other groups only', () => {
    const state = offeredTo(withGroups({ a: ids(1500), b: [] }), 'a');
    expect(made(changeGroup(state, 'b', { only: ids(2000, 'other') })).group?.ids).toHaveLength(2000);
  });

  it('is allowed while no candidate is offered to anybody, and counts no device of a group that is gone', () => {
    const state = withGroups({ a: [] });
    const stable = { ...AUTHOR, stable: '1.3.0', downgrade: false, secureVersion: 0 };
    expect(made(changeGroup({ ...state, rollout: stable }, 'a', { only: ['b'] })).group?.ids).toEqual(['b']);

    const candidate = { version: '1.3.0', salt: 's', percent: 0, groups: ['a', 'gone'] };
    const full = changeGroup({ ...state, rollout: { ...stable, candidate } }, 'a', {
      only: ids(MAX_MEMBERS),
    });
    expect(made(full).group?.ids).toHaveLength(MAX_MEMBERS);
  });

  it('is readable with the most devices and the longest names', () => {
    const all = ids(MAX_GROUP, 'x'.repeat(58));
    expect(all[0]).toHaveLength(64);
    expect(decodeGroup(encodeGroup(all))).toEqual({ ok: true, value: all });
  });
});

describe('a rollout to groups', () => {
  it('is refused if they have too many devices together', () => {
    const state = withGroups({ a: ids(1500), b: ids(600, 'other') });
    expect(refusal(rollOut(state, { groups: ['a', 'b'] }, AUTHOR))).toMatch(
      /^too-many-devices: the groups a, b have 2100 devices together/,
    );
    // A device in both counts once.
    made(rollOut(withGroups({ a: ids(1500), b: ids(2000) }), { groups: ['a', 'b'] }, AUTHOR));
  });
});
