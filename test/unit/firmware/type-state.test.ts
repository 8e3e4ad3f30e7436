import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { KeyValue } from '../../../src/core/ports.js';
import { encodeGroup } from '../../../src/firmware/group.js';
import {
  groupKey,
  logKey,
  outcomesKey,
  releaseKey,
  rolloutKey,
  typeKey,
} from '../../../src/firmware/keys.js';
import { encodeLogEntry, type LoggedAction } from '../../../src/firmware/log-entry.js';
import { encodeOutcomes, NO_COUNTS } from '../../../src/firmware/outcomes.js';
import { encodeRelease } from '../../../src/firmware/release.js';
import { encodeRollout } from '../../../src/firmware/rollout.js';
import { encodeType } from '../../../src/firmware/type-record.js';
import { emptyType, readTypes, stepsOf, type TypeState } from '../../../src/firmware/type-state.js';
import { AUTHOR, release } from './support/types.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const EPOCH = '0123456789abcdef';

/** What etcd has, each key written one revision after the one before. */
function keyValues(...pairs: readonly (readonly [key: string, value: string])[]): readonly KeyValue[] {
  return pairs.map(([key, value], n) => ({ key, value, revision: n + 1 }));
}

function lamp(...pairs: readonly (readonly [key: string, value: string])[]): TypeState {
  return readTypes(PREFIXES, keyValues(...pairs)).get('lamp') ?? emptyType('lamp');
}

function released(version: string): readonly [string, string] {
  return [releaseKey(PREFIXES, 'lamp', version), encodeRelease(release(version))];
}

function logged(revision: number, action: LoggedAction): readonly [string, string] {
  const entry = { ...AUTHOR, action, text: 'why not' };
  return [logKey(PREFIXES, 'lamp', revision), encodeLogEntry(entry)];
}

describe('the state of a type', () => {
  it('has everything that etcd holds of it', () => {
    const rollout = { ...AUTHOR, stable: '1.0.0', downgrade: false, secureVersion: 0 };
    const outcomes = { nginx: 'lb', at: AUTHOR.at, sample: 1, counts: new Map([['1.0.0', NO_COUNTS]]) };
    const state = lamp(
      [typeKey(PREFIXES, 'lamp'), encodeType({ chip: 'esp32', forms: ['file'] })],
      [rolloutKey(PREFIXES, 'lamp'), encodeRollout(rollout)],
      released('1.0.0'),
      [groupKey(PREFIXES, 'lamp', 'bench'), encodeGroup(['one'])],
      [outcomesKey(PREFIXES, 'lamp', EPOCH), encodeOutcomes(outcomes)],
      logged(3, 'publish'),
    );
    expect(state).toMatchObject({ type: 'lamp', record: { chip: 'esp32' }, rollout, revision: 6 });
    expect([...state.releases]).toEqual([['1.0.0', release('1.0.0')]]);
    expect([...state.groups]).toEqual([['bench', ['one']]]);
    expect([...state.outcomes]).toMatchObject([[EPOCH, { nginx: 'lb' }]]);
    expect(state.log).toEqual([{ ...AUTHOR, action: 'publish', text: 'why not', revision: 3 }]);
    expect(state.written.get(releaseKey(PREFIXES, 'lamp', '1.0.0'))).toBe(3);
    expect(state.unreadable).toEqual([]);
  });

  it('has the oldest release and the oldest change first, in whatever order etcd lists them', () => {
    const state = lamp(
      released('1.10.0'),
      released('1.9.0'),
      released('1.2.0'),
      logged(30, 'promote'),
      logged(4, 'publish'),
      logged(21, 'rollout'),
    );
    expect([...state.releases.keys()]).toEqual(['1.2.0', '1.9.0', '1.10.0']);
    expect(state.log.map(({ action }) => action)).toEqual(['publish', 'rollout', 'promote']);
  });

  it('names what cannot be read, and holds nothing of it', () => {
    const keys = [
      typeKey(PREFIXES, 'lamp'),
      rolloutKey(PREFIXES, 'lamp'),
      releaseKey(PREFIXES, 'lamp', '1.0.0'),
      groupKey(PREFIXES, 'lamp', 'bench'),
      outcomesKey(PREFIXES, 'lamp', EPOCH),
      logKey(PREFIXES, 'lamp', 3),
    ];
    const state = lamp(...keys.map((key) => [key, 'nonsense'] as const));
    expect(state.unreadable.map(({ key }) => key)).toEqual(keys);
    expect([...state.written.keys()]).toEqual(keys);
    const { unreadable, written } = state;
    expect(state).toEqual({ ...emptyType('lamp'), unreadable, written, revision: 6 });
  });

  it('is nothing of a type that etcd does not have', () => {
    expect(emptyType('lamp')).toMatchObject({ type: 'lamp', log: [], unreadable: [], revision: 0 });
    expect(emptyType('lamp').record).toBeUndefined();
  });

  it('is read for each type by itself; a key that names no type is left out', () => {
    const types = readTypes(
      PREFIXES,
      keyValues(
        released('1.0.0'),
        [typeKey(PREFIXES, 'plug'), encodeType({ chip: 'esp32', forms: ['file'] })],
        ['/sidekick/firmware/lamp/colour', '{}'],
      ),
    );
    expect([...types.keys()]).toEqual(['lamp', 'plug']);
    expect(types.get('lamp')).toMatchObject({ record: undefined, revision: 1 });
    expect(types.get('plug')).toMatchObject({ record: { chip: 'esp32' }, revision: 2 });
  });

  it('has rejected releases among the steps between releases', () => {
    const state = lamp(released('1.0.0'));
    const rejected = new Map([['0.9.0', { release: release('0.9.0'), reason: 'expired' }]]);
    expect([...stepsOf({ ...state, rejected }).keys()].sort()).toEqual(['0.9.0', '1.0.0']);
  });
});
