import { describe, expect, it } from 'vitest';
import { entryOf, refuseChain, type Steps, stonesBelow } from '../../../src/firmware/chain.js';
import { compareReleases, type ReleaseId } from '../../../src/firmware/names.js';
import { type RolloutRequest, rollOut } from '../../../src/firmware/transitions.js';
import { fc } from '../../support/property.js';
import { AUTHOR, release, typeWith } from './support/types.js';

/** Releases by version: `from`, and a `!` where they are stepping stones. */
function steps(releases: Readonly<Record<string, string>>): Steps {
  return new Map(
    Object.entries(releases).map(([id, text]) => {
      const from = text.replace('!', '');
      return [id, { ...(from !== '' && { from }), ...(text.includes('!') && { through: true as const }) }];
    }),
  );
}

function reason(releases: Readonly<Record<string, string>>, target: ReleaseId): string {
  const refusal = refuseChain(steps(releases), target);
  return refusal === undefined ? 'walkable' : `${refusal.code}: ${refusal.reason}; ${refusal.remedy}`;
}

/** What NGINX tells a device, by the rule of the catalogue; undefined: nothing new. */
function told(releases: Steps, target: ReleaseId, version: ReleaseId): ReleaseId | undefined {
  const entry = entryOf(releases, target);
  if (compareReleases(version, target) >= 0) return undefined;
  if (entry !== undefined && compareReleases(version, entry) < 0) return undefined;
  return stonesBelow(releases, target).find((stone) => compareReleases(version, stone) < 0) ?? target;
}

describe('the way to a release', () => {
  it.each<[string, Readonly<Record<string, string>>]>([
    ['no conditions', { '1.0.0': '', '1.5.0': '', '2.0.0': '' }],
    ['a stepping stone', { '1.0.0': '', '1.5.0': '!', '2.0.0': '' }],
    [
      'a stepping stone for devices that the release is not for',
      { '1.0.0': '', '1.5.0': '!', '2.0.0': '1.5.0' },
    ],
    ['two in a row', { '1.0.0': '', '1.2.0': '!', '1.5.0': '1.2.0!', '2.0.0': '1.5.0' }],
    ['no release for the devices that it is not for', { '2.0.0': '1.5.0' }],
    ['only newer ones than its condition', { '1.5.0': '1.5.0', '1.6.0': '1.5.0', '2.0.0': '1.5.0' }],
    ['a later release for the devices that it is not for', { '2.0.0': '1.5.0', '3.0.0': '' }],
    ['a release that no device may take', { '1.4.0': '1.5.0', '1.6.0': '1.6.0', '2.0.0': '1.9.0' }],
    ['no such release', { '1.0.0': '' }],
    ['a broken way to a later release', { '1.0.0': '', '2.0.0': '', '3.0.0': '2.5.0' }],
  ])('leads there with %s', (_, releases) => {
    expect(reason(releases, '2.0.0')).toBe('walkable');
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    [
      'no stepping stone leads to it',
      { '1.0.0': '', '1.5.0': '', '2.0.0': '1.5.0' },
      'chain-broken: devices below 1.5.0 could not update to 2.0.0: it requires 1.5.0 or newer, and no stepping stone leads there; ' +
        'publish a stepping stone with --through: a release that is at least 1.5.0 and below 2.0.0',
    ],
    [
      'the release before it is a pre-release of the lowest version',
      { '0.0.0-1': '', '2.0.0': '1.5.0' },
      'chain-broken: devices below 1.5.0 could not update to 2.0.0',
    ],
    [
      'its stepping stone is too old',
      { '1.0.0': '', '1.2.0': '!', '2.0.0': '1.5.0' },
      'chain-broken: devices below 1.5.0 could not update to 2.0.0',
    ],
    [
      'a stepping stone is not for all of them',
      { '1.0.0': '', '1.5.0': '1.3.0!', '2.0.0': '1.5.0' },
      'chain-broken: devices below 1.3.0 could not update to 2.0.0: 1.5.0 requires 1.3.0 or newer',
    ],
    [
      'two stepping stones are too far apart',
      { '1.0.0': '!', '1.5.0': '1.3.0!', '2.0.0': '1.5.0' },
      'chain-broken: devices below 1.3.0 could not update to 2.0.0: 1.5.0 requires 1.3.0 or newer',
    ],
  ])('is refused if %s', (_, releases, expected) => {
    expect(reason(releases, '2.0.0')).toContain(expected);
  });

  it('has the stepping stones that are below the release, the lowest first', () => {
    const releases = steps({ '1.5.0': '!', '1.0.0': '!', '1.2.0': '', '2.0.0': '!', '3.0.0': '!' });
    expect(stonesBelow(releases, '2.0.0')).toEqual(['1.0.0', '1.5.0']);
  });

  it('begins anywhere where there is no such release', () => {
    expect(entryOf(steps({}), '2.0.0')).toBeUndefined();
  });

  it('is accepted if and only if every device that may take some release is led to the target, by steps that it may take', () => {
    const spot = fc.integer({ min: 1, max: 12 });
    const any = fc.uniqueArray(
      fc.record({ at: spot, from: fc.option(spot, { nil: undefined }), through: fc.boolean() }),
      { selector: ({ at }) => at, minLength: 1, maxLength: 6 },
    );
    let walkable = 0;
    fc.assert(
      fc.property(any, (spots) => {
        const releases: Steps = new Map(
          spots.map(({ at, from, through }) => [
            `${at}.0.0`,
            // What can be taken by no device is refused when it is published.
            { ...(from !== undefined && from < at && { from: `${from}.0.0` }), ...(through && { through }) },
          ]),
        );
        const target = `${Math.max(...spots.map(({ at }) => at))}.0.0`;
        const isTakenBy = (id: ReleaseId, version: ReleaseId) => {
          const from = releases.get(id)?.from;
          return (
            compareReleases(id, version) > 0 && (from === undefined || compareReleases(version, from) >= 0)
          );
        };
        // Every version, and the versions between them.
        const devices = Array.from({ length: 26 }, (_, i) => `${Math.floor(i / 2)}.${i % 2}.0`);
        const arrives = (start: ReleaseId): boolean => {
          let version = start;
          while (version !== target) {
            const next = told(releases, target, version);
            if (next === undefined || !isTakenBy(next, version)) return false;
            version = next;
          }
          return true;
        };
        const served = devices.filter(
          (version) =>
            compareReleases(version, target) < 0 && [...releases.keys()].some((id) => isTakenBy(id, version)),
        );
        const isWalkable = refuseChain(releases, target) === undefined;
        expect(served.every(arrives)).toBe(isWalkable);
        if (!isWalkable) return;
        walkable++;
        // And nobody is told a release that it may not take.
        for (const version of devices) {
          const next = told(releases, target, version);
          if (next !== undefined) expect(isTakenBy(next, version)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
    expect(walkable).toBeGreaterThan(100);
  });

  it('is checked before a release is rolled out', () => {
    const state = typeWith(release('1.0.0'), { ...release('2.0.0'), from: '1.5.0' });
    const request: RolloutRequest = { version: '2.0.0', percent: 1 };
    expect(rollOut(state, request, AUTHOR)).toMatchObject({ ok: false, refusal: { code: 'chain-broken' } });

    const stone = { ...release('1.5.0'), through: true as const };
    const mended = { ...state, releases: new Map([...state.releases, ['1.5.0', stone]]) };
    expect(rollOut(mended, request, AUTHOR)).toMatchObject({ ok: true });
  });
});
