import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import {
  announcementsOf,
  decodeAnnouncement,
  encodeAnnouncement,
  topicOf,
} from '../../../src/firmware/announcement.js';
import { groupKey, rolloutKey } from '../../../src/firmware/keys.js';
import type { Rollout } from '../../../src/firmware/rollout.js';
import type { TypeStatus } from '../../../src/firmware/type-status.js';
import { hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';
import { AUTHOR, release, typeWith } from './support/types.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const CANDIDATE = { version: '1.3.0', salt: 's', percent: 10, groups: ['beta'] };
const ROLLOUT: Rollout = {
  ...AUTHOR,
  stable: '7.0.0',
  candidate: CANDIDATE,
  downgrade: false,
  secureVersion: 0,
};

/** Type toaster with its rollout written at 20, and the group at 30. */
function announced(status: Partial<TypeStatus>, spread?: number, rollout: Rollout | undefined = ROLLOUT) {
  const seven = { ...release('7.0.0'), version: '7' };
  const state = typeWith(release('1.1.0'), release('1.3.0'));
  const written = new Map([
    [rolloutKey(PREFIXES, 'toaster'), 20],
    [groupKey(PREFIXES, 'toaster', 'beta'), 30],
    [groupKey(PREFIXES, 'toaster', 'lab'), 40],
  ]);
  const releases = new Map([...state.releases, ['7.0.0', seven]]);
  const types = [{ ...state, rollout, written, releases }];
  const statuses = [{ type: 'toaster', offered: [], withheld: [], unreadable: [], ...status }];
  const slots = { all: 300, byRegion: new Map() };
  return announcementsOf({ prefixes: PREFIXES, types, statuses, slots, spread }).get('toaster');
}

describe('an announcement', () => {
  it('names the candidate, if any device is offered it, and when that was decided', () => {
    const status = { stable: '7.0.0', candidate: CANDIDATE, offered: ['7.0.0', '1.3.0', '1.1.0'] };
    expect(announced(status)).toEqual({ version: '1.3.0', revision: 30, spread: 600 });
  });

  it('has devices come over the time that is configured', () => {
    const status = { stable: '7.0.0', candidate: CANDIDATE, offered: ['1.3.0'] };
    expect(announced(status, 7)?.spread).toBe(7);
  });

  it('names the stable release as it was published, if the candidate is paused or waits for a server', () => {
    const status = { stable: '7.0.0', candidate: CANDIDATE, offered: ['7.0.0'] };
    expect(announced(status)?.version).toBe('7');
  });

  it('is not made if nothing is offered', () => {
    expect(announced({ stable: '7.0.0', candidate: CANDIDATE, offered: ['1.1.0'] })).toBeUndefined();
  });

  it('is not made of a type of which nothing is known, nor of a release that is not there', () => {
    const offered = { stable: '7.0.0', offered: ['7.0.0'] };
    expect(announced({ type: 'kettle', ...offered })).toBeUndefined();
    expect(announced({ stable: '9.0.0', offered: ['9.0.0'] })).toBeUndefined();
  });

  it('has the revision of the rollout where no group is offered anything, or nobody has written the group', () => {
    const { candidate: _, ...stable } = ROLLOUT;
    expect(announced({ stable: '7.0.0', offered: ['7.0.0'] }, 7, stable)?.revision).toBe(20);
    const others = { ...ROLLOUT, candidate: { ...CANDIDATE, groups: ['new'] } };
    expect(announced({ stable: '7.0.0', offered: ['7.0.0'] }, 7, others)?.revision).toBe(20);
  });

  it('is published on the topic of its type', () => {
    expect(topicOf('toaster')).toBe('firmware/toaster');
  });

  it('reads back from its message', () => {
    const announcement = { version: '1.3.0', revision: 4711, spread: 600 };
    const message = encodeAnnouncement(announcement);
    expect(message).toBe('{"version":"1.3.0","spread":600,"revision":4711}');
    expect(decodeAnnouncement(message)).toEqual(announcement);
  });

  it('is read from nothing else, whoever publishes it', () => {
    for (const text of [
      '',
      '{}',
      '[]',
      '{"version":7,"revision":1,"spread":1}',
      '{"version":"7","revision":1.5,"spread":1}',
      '{"version":"7","revision":1}',
      '{"version":"7","revision":1,"spread":"1"}',
      `{"version":"${'7'.repeat(1_000)}","revision":1,"spread":1}`,
    ]) {
      expect(decodeAnnouncement(text)).toBeUndefined();
    }
    fc.assert(
      fc.property(hostileText, (text) => {
        decodeAnnouncement(text);
      }),
    );
  });
});
