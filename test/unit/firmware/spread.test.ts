import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { countsOf, type OutcomeRecord } from '../../../src/firmware/outcomes.js';
import type { BegunPhase, Candidate } from '../../../src/firmware/rollout.js';
import { fleetOf, spreadOf, spreadOver } from '../../../src/firmware/spread.js';
import type { TypeState } from '../../../src/firmware/type-state.js';
import { typeStatuses } from '../../../src/firmware/type-status.js';
import { fc } from '../../support/property.js';
import { AUTHOR, release, typeWith } from './support/types.js';

/** Where nobody knows how many devices there are, and the bounds, in seconds. */
const UNKNOWN = 600;
const LEAST = 10;
const MOST = 86_400;

/** A device takes 20 seconds for its file. */
const SIZE = 1_000_000;
const SLOTS = 100;

function counts(offered: number, downloaded = 0) {
  return countsOf((counter) => ({ offered, downloaded })[counter as string] ?? 0);
}

function begun(percent: number, offeredBefore: number): BegunPhase {
  return { percent, at: AUTHOR.at, counts: counts(offeredBefore) };
}

interface Situation {
  readonly candidate?: Partial<Candidate>;
  /** By release. */
  readonly offered?: Readonly<Record<string, number>>;
  readonly downloaded?: Readonly<Record<string, number>>;
  readonly sample?: number;
  readonly shadowed?: number;
  /** Of the shadow. */
  readonly percent?: number;
  readonly members?: readonly string[];
}

function stateOf({
  candidate,
  offered = {},
  downloaded = {},
  sample = 1,
  shadowed,
  percent = 10,
  members,
}: Situation): TypeState {
  const releases = ['1.0.0', '1.1.0', '1.2.0'].map((version) => {
    const { plain, ...rest } = release(version);
    return { ...rest, plain: { ...plain, size: SIZE } };
  });
  const all = Object.entries(offered).map(([id, count]) => [id, counts(count, downloaded[id])] as const);
  const record: OutcomeRecord = {
    ...{ nginx: 'lb1', at: AUTHOR.at, sample, counts: new Map(all) },
    ...(shadowed !== undefined && { shadow: new Map([['1.1.0', new Map([['1.0.0', shadowed]])]]) }),
  };
  const rollout = {
    ...{ ...AUTHOR, stable: '1.0.0', downgrade: false, secureVersion: 0 },
    ...(candidate && { candidate: { version: '1.1.0', salt: 's', percent: 0, groups: [], ...candidate } }),
    ...(shadowed !== undefined && { shadow: { version: '1.1.0', salt: 's', percent } }),
  };
  const groups = new Map([['bench', members ?? []]]);
  return { ...typeWith(...releases), rollout, groups, outcomes: new Map([['a'.repeat(16), record]]) };
}

function spread(
  situation: Situation,
  version = situation.candidate === undefined ? '1.0.0' : '1.1.0',
): number {
  const state = stateOf(situation);
  const ground = { prefixes: DEFAULT_KEY_PREFIXES, servers: [], problems: [], now: 0 };
  const [status] = typeStatuses({ ...ground, types: [state] });
  return status === undefined ? 0 : spreadOf(state, status, version, SLOTS);
}

/** 1 % of the devices were 100: there are about 10,000. Now it is 10 %. */
const KNOWN: Situation = {
  candidate: { percent: 10, begun: [begun(1, 0), begun(10, 100)] },
  offered: { '1.1.0': 100 },
};

describe('the time over which devices come after an announcement', () => {
  it('is that which their downloads need in the slots of the servers', () => {
    // 900 devices, each 20 s, in 100 slots.
    expect(spread(KNOWN)).toBe(180);
  });

  it('is longer where a download is slower', () => {
    expect(spread({ ...KNOWN, candidate: { ...KNOWN.candidate, rate: 25_000 } })).toBe(360);
    expect(spread({ ...KNOWN, candidate: { ...KNOWN.candidate, rate: 1_000_000 } })).toBe(180);
  });

  it('counts each device of a sample for the others', () => {
    expect(spread({ ...KNOWN, sample: 4 })).toBe(720);
    expect(spread({ offered: { '1.2.0': 12_500 }, sample: 4 })).toBe(10_000);
    const candidate = { percent: 0, rescue: ['1.2.0'], begun: [begun(0, 0)] };
    const rescued = { offered: { '1.2.0': 300 }, downloaded: { '1.2.0': 300 } };
    expect(spread({ candidate, ...rescued, sample: 4 })).toBe(240);
  });

  it('gets shorter as devices have been offered the release', () => {
    expect(spread({ ...KNOWN, offered: { '1.1.0': 600 } })).toBe(80);
    expect(spread({ ...KNOWN, offered: { '1.1.0': 2_000 } })).toBe(LEAST);
  });

  it('is ten minutes where nobody knows how many devices there are', () => {
    expect(spread({ candidate: { percent: 10, begun: [begun(10, 0)] } })).toBe(UNKNOWN);
    expect(spread({})).toBe(UNKNOWN);
  });

  it('is the same for a release that is not there', () => {
    expect(spread({ offered: { '1.2.0': 50_000 } }, '9.9.9')).toBe(UNKNOWN);
  });

  it('is longer than that where another release has been offered to more devices', () => {
    // 5,000 are a tenth of those that there are at least, and all of them.
    const offered = { '1.2.0': 50_000 };
    expect(spread({ candidate: { percent: 10, begun: [begun(10, 0)] }, offered })).toBe(1_000);
    expect(spread({ offered })).toBe(10_000);
  });

  it('goes by the devices that a shadow has counted', () => {
    // 1,000 are 10 %, so 100 are 1 %.
    const candidate = { percent: 1, begun: [begun(1, 0)] };
    expect(spread({ candidate, shadowed: 1_000 })).toBe(20);
    expect(spread({ candidate, shadowed: 1_000, percent: 0 })).toBe(UNKNOWN);
  });

  it('is for the members of groups where the share is none', () => {
    const members = Array.from({ length: 500 }, (_, i) => `d${i}`);
    const candidate = { percent: 0, groups: ['bench'], begun: [begun(0, 0)] };
    expect(spread({ candidate, members })).toBe(100);
    expect(spread({ candidate, members: ['one'] })).toBe(LEAST);
    expect(spread({ candidate: { ...candidate, groups: ['gone'] }, members })).toBe(LEAST);
  });

  it('is for the devices that are rescued as well', () => {
    const candidate = { ...KNOWN.candidate, rescue: ['1.2.0'], begun: [begun(1, 0), begun(10, 400)] };
    const offered = { '1.1.0': 400, '1.2.0': 300 };
    // 100 of 1 %, beside 300 that were rescued: 10,000; 1,000 and 300 without the 400 that know it.
    expect(spread({ candidate, offered, downloaded: { '1.2.0': 300 } })).toBe(180);
  });
});

describe('spreadOver', () => {
  const wave = fc.record({ devices: fc.nat(10_000_000), isLeast: fc.boolean() });
  const seconds = fc.double({ min: 0, max: 100_000, noNaN: true });
  const slots = fc.nat(100_000);

  it('is whole seconds between its bounds, whatever is known', () => {
    fc.assert(
      fc.property(wave, seconds, slots, (devices, each, carried) => {
        const found = spreadOver(devices, each, carried);
        expect(Number.isInteger(found)).toBe(true);
        expect(found).toBeGreaterThanOrEqual(devices.isLeast ? UNKNOWN : LEAST);
        expect(found).toBeLessThanOrEqual(MOST);
      }),
    );
  });

  it('never has more downloads at a time than there are slots, up to the longest time', () => {
    fc.assert(
      fc.property(wave, seconds, slots, (all, each, carried) => {
        const found = spreadOver(all, each, carried);
        const together = (all.devices * each) / found;
        expect(found === MOST || together <= Math.max(1, carried) + 1e-6).toBe(true);
      }),
    );
  });

  it('gets no shorter with more devices', () => {
    fc.assert(
      fc.property(wave, fc.nat(1_000), seconds, slots, (some, others, each, carried) => {
        const more = { ...some, devices: some.devices + others };
        expect(spreadOver(more, each, carried)).toBeGreaterThanOrEqual(spreadOver(some, each, carried));
      }),
    );
  });
});

describe('fleetOf', () => {
  const figures = {
    downloaded: 0,
    booted: 0,
    returned: 0,
    failed: 0,
    lost: 0,
    unknown: 0,
    inFlight: 0,
    at: AUTHOR.at,
  };
  const phase = (percent: number, offered: number) => ({ ...figures, percent, offered });

  it('finds the number of devices from every sequence of shares in which all of them have asked', () => {
    const shares = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 2 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), shares, fc.nat(500), (hundreds, some, besides) => {
        const percents = some.toSorted((a, b) => a - b);
        const phases = percents.map((percent, i) =>
          phase(percent, hundreds * (percent - (percents[i - 1] ?? 0))),
        );
        const groups = phase(0, besides);
        expect(fleetOf({ phases: [groups, ...phases], sample: 1 }, besides)).toBeCloseTo(hundreds * 100, 3);
      }),
    );
  });

  it('takes the last share for nothing, and groups for no share', () => {
    expect(fleetOf({ phases: [phase(1, 100)], sample: 1 }, 0)).toBe(0);
    expect(fleetOf({ phases: [phase(0, 100), phase(1, 5)], sample: 1 }, 0)).toBe(0);
    expect(fleetOf(undefined, 0)).toBe(0);
  });
});
