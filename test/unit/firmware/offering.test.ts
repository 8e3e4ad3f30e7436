import { describe, expect, it } from 'vitest';
import { defined } from '../../../src/core/defined.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { KeyValue } from '../../../src/core/ports.js';
import { encodeGroup } from '../../../src/firmware/group.js';
import { groupKey, releaseKey, rolloutKey, typeKey } from '../../../src/firmware/keys.js';
import { offeringOf } from '../../../src/firmware/offering.js';
import type { Release } from '../../../src/firmware/release.js';
import { encodeRelease } from '../../../src/firmware/release.js';
import { encodeRollout, type Rollout } from '../../../src/firmware/rollout.js';
import { decode, decodeStone } from '../../../src/firmware/shared/catalogue.js';
import { encodeType } from '../../../src/firmware/type-record.js';
import { readTypes } from '../../../src/firmware/type-state.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const AT = '2026-11-27T12:00:00.000Z';
const ORIGIN = 'https://ota.example.com';

function keyValue(key: string, value: string, revision: number): KeyValue {
  return { key, value, revision, created: revision };
}

function release(version: string, revision: number, more: Partial<Release> = {}): KeyValue {
  const value = encodeRelease({
    ...more,
    version,
    publishedAt: AT,
    publishedBy: 'ci',
    plain: { sha256: version.slice(-1).repeat(64), md5: 'b'.repeat(32), size: 1_000 },
    image: { chip: 'esp32', secureBoot: 'none' },
  });
  return keyValue(releaseKey(PREFIXES, 'lamp', version), value, revision);
}

const NOTHING: Rollout = { by: 'ann', at: AT, downgrade: false, secureVersion: 0 };

/** A type with two releases, one of which is rolled out; the releases were written at 10 and 20. */
function types(change: Partial<Rollout> = {}, more: readonly KeyValue[] = []) {
  const rollout: Rollout = {
    ...{ ...NOTHING, stable: '1.0.1' },
    candidate: { version: '1.0.2', salt: 's', percent: 12.5, groups: ['bench', 'beta'] },
    ...change,
  };
  return readTypes(PREFIXES, [
    keyValue(typeKey(PREFIXES, 'lamp'), encodeType({ chip: 'esp32', forms: ['esp32fota'] }), 5),
    release('1.0.1', 10),
    release('1.0.2', 20),
    keyValue(rolloutKey(PREFIXES, 'lamp'), encodeRollout(rollout), 30),
    keyValue(groupKey(PREFIXES, 'lamp', 'bench'), encodeGroup(['one', 'two']), 31),
    keyValue(groupKey(PREFIXES, 'lamp', 'beta'), encodeGroup(['two']), 32),
    keyValue(groupKey(PREFIXES, 'lamp', 'others'), encodeGroup(['three']), 33),
    ...more,
  ]).values();
}

function offered(
  announced: readonly (number | undefined)[],
  change: Partial<Rollout> = {},
  more: readonly KeyValue[] = [],
  origin = ORIGIN,
) {
  const offering = offeringOf({
    prefixes: PREFIXES,
    types: types(change, more),
    servers: announced.map((heldUpTo, i) => defined({ address: `10.0.0.${i}:8080`, heldUpTo })),
    origin,
    revision: 40,
  });
  const lamp = decode(offering?.types.get('lamp')?.value ?? '');
  return { offering, lamp, versions: [lamp?.stable?.version, lamp?.candidate?.version, lamp?.buckets] };
}

describe('the line of a region', () => {
  const keys = (rollout: Partial<Rollout>) => [
    keyValue(typeKey(PREFIXES, 'lamp@eu'), encodeType({ chip: 'esp32', forms: ['esp32fota'] }), 5),
    { ...release('1.0.1', 10), key: releaseKey(PREFIXES, 'lamp@eu', '1.0.1') },
    keyValue(rolloutKey(PREFIXES, 'lamp@eu'), encodeRollout({ ...NOTHING, ...rollout }), 11),
  ];
  const offer = (
    servers: Readonly<Record<string, number>>,
    rollout: Partial<Rollout> = { stable: '1.0.1' },
  ) => {
    const types = readTypes(PREFIXES, keys(rollout)).values();
    const registered = Object.entries(servers).map(([region, heldUpTo], i) =>
      defined({ address: `10.0.0.${i}:8080`, heldUpTo, region: region === 'all' ? undefined : region }),
    );
    const offering = offeringOf({
      prefixes: PREFIXES,
      types,
      servers: registered,
      origin: ORIGIN,
      revision: 40,
    });
    return offering?.types.get('lamp@eu')?.value;
  };
  const stable = (value: string | undefined) => decode(value ?? '')?.stable;

  it('is offered while every server of the region and every one without a region holds it', () => {
    expect(stable(offer({ eu: 10, us: 0, all: 10 }))?.version).toBe('1.0.1');
    expect(stable(offer({ eu: 9, us: 20, all: 10 }))).toBeUndefined();
    expect(stable(offer({ eu: 10, us: 20, all: 9 }))).toBeUndefined();
  });

  it('is offered to nobody while its region has no server, and neither is anything in its place', () => {
    const value = offer({ us: 20 });
    expect(value).toBeDefined();
    expect(stable(value)).toBeUndefined();
  });

  it('is told to devices under the name that they ask by', () => {
    const { type, region } = JSON.parse(stable(offer({ all: 10 }))?.esp32fota ?? '') as Record<
      string,
      string
    >;
    expect([type, region]).toEqual(['lamp', 'eu']);
  });

  it('is not there while its rollout offers nothing, and is there with a candidate alone', () => {
    expect(offer({ all: 10 }, {})).toBeUndefined();
    const candidate = { version: '1.0.1', salt: 's', percent: 1, groups: [] };
    expect(decode(offer({ all: 10 }, { candidate }) ?? '')?.candidate?.version).toBe('1.0.1');
  });
});

describe('offeringOf', () => {
  it('offers what is on every registered firmware server', () => {
    expect(offered([20, 33]).versions).toEqual(['1.0.1', '1.0.2', 1250]);
    expect(offered([19, 33]).versions).toEqual(['1.0.1', undefined, 0]);
    expect(offered([9, 33]).versions).toEqual([undefined, undefined, 0]);
  });

  it('offers nothing while a server does not announce what it has', () => {
    expect(offered([33, undefined]).versions).toEqual([undefined, undefined, 0]);
  });

  it('returns nothing to change if no firmware server is registered', () => {
    expect(offered([]).offering).toBeUndefined();
  });

  it('offers a paused candidate to nobody', () => {
    expect(offered([33], { paused: { by: 'ann', at: AT } }).versions).toEqual(['1.0.1', '1.0.2', 0]);
  });

  it('names the groups of members, but only those that the candidate is offered to', () => {
    expect(offered([33]).offering?.types.get('lamp')?.members).toEqual(
      new Map([
        ['lamp/id/one', 'bench'],
        ['lamp/id/two', 'bench,beta'],
      ]),
    );
  });

  it('names no member of a group that is gone, and keeps a type whose rollout offers nothing', () => {
    const candidate = { version: '1.0.2', salt: 's', percent: 1, groups: ['gone'] };
    const members = (change: Partial<Rollout>) => offered([33], change).offering?.types.get('lamp')?.members;
    expect(members({ candidate })).toEqual(new Map());
    const nothing = keyValue(rolloutKey(PREFIXES, 'lamp'), encodeRollout(NOTHING), 34);
    const { offering } = offered([33], {}, [nothing]);
    expect(offering?.types.get('lamp')?.value).toBeDefined();
  });

  it('leaves out a type that has no rollout, or of which there is no record', () => {
    const keys = [
      keyValue(typeKey(PREFIXES, 'plug'), encodeType({ chip: 'esp32', forms: ['esp32fota'] }), 5),
      keyValue(rolloutKey(PREFIXES, 'heater'), encodeRollout(NOTHING), 30),
    ];
    expect([...(offered([33], {}, keys).offering?.types.keys() ?? [])]).toEqual(['lamp']);
  });

  it('says which type cannot be offered, and why', () => {
    const { offering } = offered([33], {}, [], `https://${'a'.repeat(1_000)}`);
    expect(offering?.problems).toEqual([
      { type: 'lamp', reason: expect.stringContaining('the catalogue of lamp would be') },
    ]);
    expect(offering?.types.get('lamp')).toMatchObject({ value: undefined });
    expect(offered([33]).offering?.problems).toEqual([]);
  });

  it('contains the revision at which etcd was read', () => {
    expect(offered([33]).lamp?.revision).toBe(40);
  });

  it('has a stepping stone ready where every server holds it, and names it in any case', () => {
    const stone = release('0.9.0', 25, { through: true });
    const { offering, lamp } = offered([24], {}, [stone]);
    expect([lamp?.options.via, [...(offering?.types.get('lamp')?.stones.keys() ?? [])]]).toEqual([
      ['0.9.0'],
      [],
    ]);

    const value = offered([25], {}, [stone]).offering?.types.get('lamp')?.stones.get('lamp/via/0.9.0');
    expect(decodeStone(value ?? '')?.version).toBe('0.9.0');
  });

  it('offers no release that devices would not get to, whoever wrote that into etcd', () => {
    const broken = [release('0.8.0', 8), release('1.0.2', 20, { from: '0.9.0' })];
    expect(offered([33], {}, broken).versions).toEqual(['1.0.1', undefined, 0]);
  });
});
