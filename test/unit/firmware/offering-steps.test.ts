import { describe, expect, it } from 'vitest';
import type { OfferedType, Offering } from '../../../src/firmware/offering.js';
import { type OfferingStep, offeringSteps } from '../../../src/firmware/offering-steps.js';
import {
  decode,
  encode,
  memberKey,
  noOptions,
  READY_KEY,
  regionSlotsKey,
  SLOTS_KEY,
  stoneKey,
  typeOfKey,
} from '../../../src/firmware/shared/catalogue.js';
import { fc } from '../../support/property.js';

interface TypeModel {
  /** Groups that the candidate is offered to; none while it is paused. */
  readonly groups: readonly string[];
  /** Devices with their groups. */
  readonly members: Readonly<Record<string, readonly string[]>>;
  readonly via: readonly string[];
}

const NOBODY: TypeModel = { groups: [], members: {}, via: [] };

function offered(type: string, revision: number, { groups, members, via }: TypeModel): OfferedType {
  const value = encode({
    ...{ revision, salt: 's', buckets: 0, downgrade: false, groups: [...groups] },
    ...{ options: { ...noOptions(), via: [...via] }, stable: undefined, candidate: undefined },
  });
  const inGroups = Object.entries(members).filter(([, names]) => names.length > 0);
  return {
    value,
    stones: new Map(via.map((version) => [stoneKey(type, version), `stone ${version}`])),
    members: new Map(inGroups.map(([id, names]) => [memberKey(type, id), names.join(',')])),
  };
}

function offering(revision: number, types: Readonly<Record<string, TypeModel>>): Offering {
  const all = Object.entries(types).map(([type, model]) => [type, offered(type, revision, model)] as const);
  return { revision, types: new Map(all), slots: { all: 100, byRegion: new Map() }, problems: [] };
}

/** What NGINX has after all steps. */
function written(found: ReadonlyMap<string, string>, one: Offering): Map<string, string> {
  const zone = new Map(found);
  for (const step of offeringSteps(found, one, one.revision)) apply(zone, step);
  return zone;
}

function apply(zone: Map<string, string>, { key, value }: OfferingStep): void {
  if (value === undefined) zone.delete(key);
  else zone.set(key, value);
}

function keys(found: ReadonlyMap<string, string>, one: Offering): readonly string[] {
  return offeringSteps(found, one, one.revision).map(({ key, value }) =>
    value === undefined ? `-${key}` : key,
  );
}

const BENCH: TypeModel = { groups: ['bench'], members: { a: ['bench'], b: ['bench'] }, via: [] };

describe('offeringSteps', () => {
  it('writes limits first, then what a value names, then the value, and last that everything is there', () => {
    const lamp = { ...BENCH, via: ['1.0.0'] };
    expect(keys(new Map(), offering(7, { lamp }))).toEqual([
      ...[SLOTS_KEY, 'lamp/via/1.0.0', 'lamp/id/a', 'lamp/id/b', 'lamp', READY_KEY],
    ]);
  });

  it('writes a halt before the members of other types, whatever their names are', () => {
    const running = written(new Map(), offering(7, { lamp: BENCH }));
    const halted = { ...BENCH, groups: [] };
    const steps = keys(running, offering(8, { alarm: BENCH, lamp: halted, zone: BENCH }));
    expect(steps[0]).toBe('lamp');
    expect(steps).toHaveLength(7);
  });

  it('writes a halt before the members that have come to the same type', () => {
    const running = written(new Map(), offering(7, { lamp: BENCH }));
    const halted = { groups: [], members: { ...BENCH.members, c: ['bench'] }, via: [] };
    expect(keys(running, offering(8, { lamp: halted }))).toEqual(['lamp', 'lamp/id/c']);
  });

  it('keeps the members of a paused candidate, so that a pause costs one write and so does its end', () => {
    const running = written(new Map(), offering(7, { lamp: BENCH }));
    const paused = offering(8, { lamp: { ...BENCH, groups: [] } });
    expect(keys(running, paused)).toEqual(['lamp']);
    expect(keys(written(running, paused), offering(9, { lamp: BENCH }))).toEqual(['lamp']);
  });

  it('removes a device that has left a group before the value that names the group', () => {
    const running = written(new Map(), offering(7, { lamp: BENCH }));
    const left = { ...BENCH, members: { a: ['bench'] } };
    expect(keys(running, offering(8, { lamp: left }))).toEqual(['-lamp/id/b', 'lamp']);
  });

  it('keeps a device that changes from one named group to another a member of both until the value is there', () => {
    const running = written(
      new Map(),
      offering(7, { lamp: { ...NOBODY, groups: ['bench'], members: { a: ['bench'] } } }),
    );
    const moved = offering(8, { lamp: { ...NOBODY, groups: ['beta'], members: { a: ['beta'] } } });
    expect(offeringSteps(running, moved, 8).map(({ key, value }) => [key, value?.split('\n')[0]])).toEqual([
      ['lamp/id/a', 'beta,bench'],
      ['lamp', expect.stringContaining('beta')],
      ['lamp/id/a', 'beta'],
    ]);
  });

  it('removes members and stepping stones that are none any more after the value that named them', () => {
    const running = written(new Map(), offering(7, { lamp: { ...BENCH, via: ['1.0.0'] } }));
    expect(keys(running, offering(8, { lamp: NOBODY }))).toEqual([
      ...['lamp', '-lamp/via/1.0.0', '-lamp/id/a', '-lamp/id/b'],
    ]);
  });

  it('removes a type that is not offered any more, and its value first', () => {
    const running = written(new Map(), offering(7, { lamp: BENCH }));
    expect(keys(running, offering(8, {}))).toEqual(['-lamp', '-lamp/id/a', '-lamp/id/b']);
  });

  it('gives a value a new revision with a change of its members, so that no watcher behind undoes it', () => {
    const running = written(new Map(), offering(7, { lamp: BENCH, other: BENCH }));
    const one = { ...BENCH, members: { ...BENCH.members, c: ['bench'] } };
    const newer = written(running, offering(9, { lamp: one, other: BENCH }));
    expect(offeringSteps(newer, offering(8, { lamp: BENCH, other: BENCH }), 9)).toEqual([]);
  });

  it('changes nothing of a type with a newer value, and other types all the same', () => {
    const newer = written(new Map(), offering(9, { lamp: BENCH }));
    const behind = offering(8, { lamp: { ...BENCH, members: { z: ['bench'] } }, other: NOBODY });
    const steps = offeringSteps(newer, behind, 9);
    expect(steps.map(({ key }) => key)).toEqual(['other']);
  });

  it('replaces a newer value if etcd has not come that far', () => {
    const newer = written(new Map(), offering(9, { lamp: BENCH }));
    expect(offeringSteps(newer, offering(5, {}), 6).map(({ key }) => key)).toEqual([
      ...['lamp', 'lamp/id/a', 'lamp/id/b'],
    ]);
  });

  it('goes on where a watcher has stopped, by the same revision', () => {
    const zone = written(new Map(), offering(7, { lamp: BENCH }));
    const next = offering(8, { lamp: NOBODY });
    const [value] = offeringSteps(zone, next, 8);
    if (value !== undefined) apply(zone, value);
    expect(keys(zone, next)).toEqual(['lamp', '-lamp/id/a', '-lamp/id/b']);
  });

  it('gives a value a new revision with members that change before and after it', () => {
    const both: TypeModel = { ...BENCH, members: { a: ['bench', 'beta'], b: ['bench'] } };
    const running = written(new Map(), offering(7, { lamp: both }));
    const one = { ...BENCH, members: { a: ['bench'] } };
    expect(keys(running, offering(8, { lamp: one }))).toEqual(['-lamp/id/b', 'lamp', 'lamp/id/a']);
  });

  it('says how many downloads there may be, all and by region, and that everything is there', () => {
    const slots = { all: 100, byRegion: new Map([['eu', 40]]) };
    expect(written(new Map(), { ...offering(7, {}), slots })).toEqual(
      new Map([
        [SLOTS_KEY, '100'],
        [regionSlotsKey('eu'), '40'],
        [READY_KEY, '1'],
      ]),
    );
  });

  it("removes a region's limit that has no server any more, but not beside another watcher's newer value", () => {
    const limited = { ...offering(9, { lamp: BENCH }), slots: { all: 100, byRegion: new Map([['eu', 40]]) } };
    const running = written(new Map(), limited);
    expect(keys(running, offering(10, { lamp: BENCH }))).toEqual([`-${regionSlotsKey('eu')}`]);
    expect(offeringSteps(running, offering(8, { lamp: BENCH }), 9)).toEqual([]);
  });

  it('changes nothing where only the revision is different', () => {
    const zone = written(new Map(), offering(7, { lamp: BENCH }));
    expect(keys(zone, offering(8, { lamp: BENCH }))).toEqual([]);
  });
});

describe('offerings that come while others are being written, at every moment', () => {
  const TYPES = ['lamp', 'plug', 'lamp@eu'];
  const GROUPS = ['bench', 'beta'];
  const DEVICES = ['a', 'b', 'c'];
  const someGroups = fc.subarray(GROUPS);
  const model: fc.Arbitrary<TypeModel> = fc.record({
    groups: someGroups,
    members: fc.record({ a: someGroups, b: someGroups, c: someGroups }),
    via: fc.subarray(['1.0.0', '2.0.0']),
  });
  const offers = fc.dictionary(fc.constantFrom(...TYPES), model);
  /** Offerings, and after how many steps the next one takes the place of each. */
  const history = fc.array(fc.tuple(offers, fc.integer({ min: 0, max: 12 })), { maxLength: 8 });

  /** The devices that an offering's groups have in them. */
  const chosen = ({ groups, members }: TypeModel) =>
    DEVICES.filter((id) => members[id]?.some((name) => groups.includes(name)));

  /** The devices that NGINX answers as members of a group that the type's value names. */
  function answered(zone: ReadonlyMap<string, string>, type: string): readonly string[] {
    const groups = decode(zone.get(type) ?? '')?.groups ?? [];
    return DEVICES.filter((id) =>
      zone
        .get(memberKey(type, id))
        ?.split(',')
        .some((name) => groups.includes(name)),
    );
  }

  type Types = Readonly<Record<string, TypeModel>>;

  /** Checks a type as NGINX has it: the offerings so far, from that of revision 0 on. */
  function check(zone: ReadonlyMap<string, string>, offerings: readonly Types[], type: string): void {
    const value = decode(zone.get(type) ?? '');
    if (value === undefined) return;
    for (const version of value.options.via) expect(zone.has(stoneKey(type, version))).toBe(true);
    const since = offerings.slice(value.revision).map((one) => chosen(one[type] ?? NOBODY));
    const now = answered(zone, type);
    for (const id of DEVICES) {
      const said = since.map((ids) => ids.includes(id));
      expect(said, `${type} ${id}`).toContain(now.includes(id));
    }
  }

  /** Makes some of the steps to an offering, and checks NGINX after each. */
  function make(zone: Map<string, string>, offerings: readonly Types[], count: number): void {
    const revision = offerings.length - 1;
    const steps = offeringSteps(new Map(zone), offering(revision, offerings[revision] ?? {}), revision);
    for (const step of steps.slice(0, count)) {
      apply(zone, step);
      const type = typeOfKey(step.key);
      if (type !== '') check(zone, offerings, type);
    }
  }

  it('the answers are those of an offering between the value that stands and the newest', () => {
    fc.assert(
      fc.property(history, offers, (outdated, newest) => {
        const zone = new Map<string, string>();
        const offerings: Types[] = [{}];
        for (const [types, count] of outdated) {
          offerings.push(types);
          make(zone, offerings, count);
        }
        offerings.push(newest);
        make(zone, offerings, Number.POSITIVE_INFINITY);
        expect(keys(zone, offering(offerings.length, newest))).toEqual([]);
        for (const [type, one] of Object.entries(newest)) expect(answered(zone, type)).toEqual(chosen(one));
      }),
      { numRuns: 500 },
    );
  });
});
