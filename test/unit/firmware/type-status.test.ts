import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { KeyValue } from '../../../src/core/ports.js';
import { releaseKey, rolloutKey, typeKey } from '../../../src/firmware/keys.js';
import type { FirmwareServer } from '../../../src/firmware/offering.js';
import { encodeRelease } from '../../../src/firmware/release.js';
import { encodeRollout, type Rollout } from '../../../src/firmware/rollout.js';
import { acceptReleases } from '../../../src/firmware/signature.js';
import { encodeType } from '../../../src/firmware/type-record.js';
import { readTypes } from '../../../src/firmware/type-state.js';
import { type TypeStatus, typeStatuses } from '../../../src/firmware/type-status.js';
import { AUTHOR, release } from './support/types.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const ROLLOUT: Rollout = {
  ...AUTHOR,
  stable: '1.2.0',
  candidate: { version: '1.3.0', salt: 's', percent: 10, groups: ['bench'] },
  downgrade: false,
  secureVersion: 0,
};

/** The releases 1.2.0 and 1.3.0 were created at the revisions 10 and 20. */
function keyValues(change: Partial<Rollout> = {}): readonly KeyValue[] {
  const at = (revision: number, key: string, value: string) => ({ key, value, revision, created: revision });
  return [
    at(5, typeKey(PREFIXES, 'lamp'), encodeType({ chip: 'esp32s3', forms: ['file'] })),
    at(10, releaseKey(PREFIXES, 'lamp', '1.2.0'), encodeRelease(release('1.2.0'))),
    at(20, releaseKey(PREFIXES, 'lamp', '1.3.0'), encodeRelease(release('1.3.0'))),
    at(30, rolloutKey(PREFIXES, 'lamp'), encodeRollout({ ...ROLLOUT, ...change })),
  ];
}

function statuses(servers: readonly FirmwareServer[], keys = keyValues(), problem?: string) {
  const types = readTypes(PREFIXES, keys).values();
  const problems = problem === undefined ? [] : [{ type: 'lamp', reason: problem }];
  return typeStatuses({ prefixes: PREFIXES, types, servers, problems, now: 0 });
}

function lamp(...args: Parameters<typeof statuses>): TypeStatus {
  const [status] = statuses(...args);
  if (status === undefined) throw new Error('there is no type');
  return status;
}

const FULL: FirmwareServer = { address: '10.0.0.11:8080', heldUpTo: 20 };

describe('the status of the line of a region', () => {
  const line = keyValues().map((one) => ({ ...one, key: one.key.replace('/lamp/', '/lamp@eu/') }));
  const other: FirmwareServer = { address: '10.0.0.12:8080', region: 'us', heldUpTo: 5 };

  it('waits for no server of another region', () => {
    expect(lamp([{ ...FULL, region: 'eu' }, other], line)).toMatchObject({
      type: 'lamp@eu',
      offered: ['1.2.0', '1.3.0'],
      withheld: [],
    });
  });

  it('says that its region has no server', () => {
    const reason = 'no firmware server of region eu is registered';
    expect(lamp([other], line)).toMatchObject({ offered: [], withheld: [{ reason }, { reason }] });
  });
});

describe('the status of a type', () => {
  it('says what the rollout offers, and to whom', () => {
    expect(lamp([FULL])).toEqual({
      type: 'lamp',
      stable: '1.2.0',
      candidate: ROLLOUT.candidate,
      progress: {
        version: '1.3.0',
        all: {
          offered: 0,
          downloaded: 0,
          booted: 0,
          returned: 0,
          failed: 0,
          lost: 0,
          unknown: 0,
          inFlight: 0,
        },
        phases: [],
        sample: 1,
      },
      offered: ['1.2.0', '1.3.0'],
      withheld: [],
      unreadable: [],
    });
  });

  it('says whom a release would reach that is only counted, where there is one', () => {
    const shadow = { version: '1.3.0', salt: 's', percent: 10 };
    const counted = { version: '1.3.0', percent: 10, devices: 0, running: [] };
    expect(lamp([FULL], keyValues({ shadow })).shadow).toEqual(counted);
    expect(lamp([FULL])).not.toHaveProperty('shadow');
    expect(lamp([FULL], keyValues().slice(0, 3))).not.toHaveProperty('stable');
  });

  it('waits for no server where there is none', () => {
    const reason = 'no firmware server is registered';
    expect(lamp([]).withheld[0]).toEqual({ version: '1.2.0', reason, waitingFor: [] });
  });

  it('says who paused it and why, and counts a paused candidate as neither offered nor withheld', () => {
    const paused = { ...AUTHOR, reason: 'too warm' };
    expect(lamp([FULL], keyValues({ paused }))).toMatchObject({ paused, offered: ['1.2.0'], withheld: [] });
  });

  it('names the server that lacks a file, and the file', () => {
    const behind = { address: '10.0.0.12:8080', heldUpTo: 19 };
    const { offered, withheld } = lamp([FULL, behind]);
    expect(offered).toEqual(['1.2.0']);
    expect(withheld).toEqual([
      {
        version: '1.3.0',
        reason: '10.0.0.12:8080 lacks a file of lamp 1.3.0',
        waitingFor: [
          { ...behind, lacks: { releases: ['lamp 1.3.0'], files: [release('1.3.0').plain.sha256] } },
        ],
      },
    ]);
  });

  it('names every server that a release waits for', () => {
    const others = ['10.0.0.12:8080', '10.0.0.13:8080'].map((address) => ({ address, heldUpTo: 19 }));
    expect(lamp([FULL, ...others]).withheld.map(({ reason }) => reason)).toEqual([
      '10.0.0.12:8080 lacks a file of lamp 1.3.0; 10.0.0.13:8080 lacks a file of lamp 1.3.0',
    ]);
  });

  it('names a release once of which a server lacks two files, and both files', () => {
    const { plain, ...rest } = release('1.3.0');
    const signed = { ...plain, sha256: 'c'.repeat(64) };
    const value = encodeRelease({ ...rest, plain, signed });
    const keys = keyValues().map((one) => (one.key.endsWith('1.3.0') ? { ...one, value } : one));
    const { withheld } = lamp([{ ...FULL, heldUpTo: 19 }], keys);
    expect(withheld[0]?.reason).toBe('10.0.0.11:8080 lacks a file of lamp 1.3.0');
    expect(withheld[0]?.waitingFor[0]?.lacks).toEqual({
      releases: ['lamp 1.3.0'],
      files: [plain.sha256, signed.sha256],
    });
  });

  it('names every release that has the file that a server lacks', () => {
    const value = encodeRelease({ ...release('1.4.0'), plain: release('1.3.0').plain });
    const other = { key: releaseKey(PREFIXES, 'lamp', '1.4.0'), value, revision: 21, created: 21 };
    const { withheld } = lamp([{ ...FULL, heldUpTo: 19 }], [...keyValues(), other]);
    expect(withheld[0]?.reason).toBe('10.0.0.11:8080 lacks a file of lamp 1.3.0, lamp 1.4.0');
  });

  it('names the oldest file that a server lacks for each release that it holds up', () => {
    const { withheld } = lamp([{ address: '10.0.0.12:8080', heldUpTo: 9 }]);
    expect(withheld.map(({ version, reason }) => [version, reason])).toEqual([
      ['1.2.0', '10.0.0.12:8080 lacks a file of lamp 1.2.0'],
      ['1.3.0', '10.0.0.12:8080 lacks a file of lamp 1.2.0'],
    ]);
  });

  it.each<[string, Parameters<typeof statuses>, string]>([
    ['no server is registered', [[]], 'no firmware server is registered'],
    ['a server does not say what it holds', [[{ address: 'a:1' }]], 'a:1 does not say which files it holds'],
    ['a server is late', [[{ address: 'a:1', heldUpTo: 14 }]], 'a:1 has not caught up with etcd yet'],
    [
      'devices could not update to it',
      [
        [FULL],
        keyValues().map((one) =>
          one.key.endsWith('1.3.0')
            ? { ...one, value: encodeRelease({ ...release('1.3.0'), from: '1.2.5' }) }
            : one,
        ),
      ],
      'devices below 1.2.5 could not update to 1.3.0: it requires 1.2.5 or newer, and no stepping stone leads there',
    ],
    [
      'the release is gone',
      [[FULL], keyValues().filter(({ key }) => !key.endsWith('1.3.0'))],
      'there is no such release, or it cannot be read',
    ],
    ["the type's record is gone", [[FULL], keyValues().slice(1)], 'etcd has no record of this type'],
    ['the catalogue is too long', [[FULL], keyValues(), 'it would be 2001 bytes'], 'it would be 2001 bytes'],
  ])('says why a release is withheld: %s', (_, args, reason) => {
    expect(lamp(...args).withheld.at(-1)).toMatchObject({ version: '1.3.0', reason });
    expect(lamp(...args).offered).not.toContain('1.3.0');
  });

  it('says that a stepping stone is offered, or what it waits for', () => {
    const value = encodeRelease({ ...release('1.1.0'), through: true });
    const stone = { key: releaseKey(PREFIXES, 'lamp', '1.1.0'), value, revision: 21, created: 21 };
    expect(lamp([FULL], [...keyValues(), stone])).toMatchObject({
      offered: ['1.2.0', '1.3.0'],
      withheld: [{ version: '1.1.0', reason: '10.0.0.11:8080 lacks a file of lamp 1.1.0' }],
    });
    expect(lamp([{ ...FULL, heldUpTo: 21 }], [...keyValues(), stone]).offered).toEqual([
      '1.2.0',
      '1.3.0',
      '1.1.0',
    ]);
  });

  it('says why a release is rejected, as the reason why it is withheld too', () => {
    const [state] = readTypes(PREFIXES, keyValues()).values();
    if (state === undefined) throw new Error('there is no type');
    const check = (_: string, { version }: { version: string }) =>
      version === '1.3.0' ? 'the release is not signed' : undefined;
    const types = [acceptReleases(state, check)];
    const [status] = typeStatuses({ prefixes: PREFIXES, types, servers: [FULL], problems: [], now: 0 });
    const rejected = { version: '1.3.0', reason: 'the release is not signed' };
    expect(status).toMatchObject({ offered: ['1.2.0'], withheld: [rejected], rejected: [rejected] });
  });

  it('lists the twenty newest of the releases that are rejected', () => {
    const versions = Array.from({ length: 25 }, (_, i) => `2.${i}.0`);
    const more = versions.map((version, i) => {
      const revision = 40 + i;
      const key = releaseKey(PREFIXES, 'lamp', version);
      return { key, value: encodeRelease(release(version)), revision, created: revision };
    });
    const [state] = readTypes(PREFIXES, [...keyValues(), ...more]).values();
    if (state === undefined) throw new Error('there is no type');
    const types = [
      acceptReleases(state, (_, { version }) => (version.startsWith('2.') ? 'not signed' : undefined)),
    ];
    const [status] = typeStatuses({ prefixes: PREFIXES, types, servers: [FULL], problems: [], now: 0 });
    const newest = versions.toReversed().slice(0, 20);
    expect(status?.rejected).toEqual(newest.map((version) => ({ version, reason: 'not signed' })));
    expect(status?.offered).toEqual(['1.2.0', '1.3.0']);
  });

  it("does not take another type's problem for its own", () => {
    const types = readTypes(PREFIXES, keyValues()).values();
    const problems = [{ type: 'plug', reason: 'it would be 2001 bytes' }];
    const [status] = typeStatuses({ prefixes: PREFIXES, types, servers: [FULL], problems, now: 0 });
    expect(status?.withheld).toEqual([]);
  });

  it('lists keys that cannot be read', () => {
    const key = rolloutKey(PREFIXES, 'lamp');
    const keys = [...keyValues().slice(0, 3), { key, value: '{', revision: 30, created: 30 }];
    expect(lamp([FULL], keys)).toMatchObject({ offered: [], unreadable: [{ key }] });
  });

  it('lists the types by name', () => {
    const keys = ['zebra', 'Ant', 'bee'].map((type) => ({ ...keyValues()[0], key: typeKey(PREFIXES, type) }));
    expect(statuses([FULL], keys as readonly KeyValue[]).map(({ type }) => type)).toEqual([
      'Ant',
      'bee',
      'zebra',
    ]);
  });
});
