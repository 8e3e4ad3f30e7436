import { describe, expect, it } from 'vitest';
import { outcomeChanges, outcomesAfter } from '../../../src/firmware/outcome-changes.js';
import {
  type Counts,
  decodeOutcomes,
  encodeOutcomes,
  NO_COUNTS,
  type OutcomeRecord,
  type OutcomeReport,
} from '../../../src/firmware/outcomes.js';
import { sum, total } from '../../../src/firmware/statistics.js';
import type { TypeState } from '../../../src/firmware/type-state.js';
import { fc } from '../../support/property.js';
import * as arbitrary from './support/arbitraries.js';
import { AUTHOR, typeWith } from './support/types.js';

const NOW = Date.parse(AUTHOR.at);
const HOUR = 3_600_000;
const ONE = '1'.repeat(16);
const TWO = '2'.repeat(16);

const CANDIDATE = { version: '1.3.0', salt: 's', percent: 1, groups: [] };

function state(outcomes: ReadonlyMap<string, OutcomeRecord> = new Map(), version = '1.3.0'): TypeState {
  const candidate = { ...CANDIDATE, version };
  return { ...typeWith(), outcomes, rollout: { ...AUTHOR, candidate, downgrade: false, secureVersion: 0 } };
}

function reported(
  counts: Partial<Counts>,
  epoch = ONE,
  version = '1.3.0',
): { nginx: string; report: OutcomeReport } {
  const types = new Map([['toaster', new Map([[version, { ...NO_COUNTS, ...counts }]])]]);
  return {
    nginx: 'lb1',
    report: { epoch, sample: 1, flights: 0, downloads: 0, counts: types, shadow: new Map() },
  };
}

function record(counts: Partial<Counts>, version = '1.3.0'): OutcomeRecord {
  return {
    nginx: 'lb1',
    at: AUTHOR.at,
    sample: 1,
    counts: new Map([[version, { ...NO_COUNTS, ...counts }]]),
  };
}

/** A report of whom the shadow 1.3.0 would reach. */
function shadowed(running: Readonly<Record<string, number>>, type = 'toaster') {
  const { nginx, report } = reported({});
  const shadow = new Map([[type, new Map([['1.3.0', new Map(Object.entries(running))]])]]);
  return { nginx, report: { ...report, counts: new Map(), shadow } };
}

describe('the record of whom a shadow would reach', () => {
  const recordOf = (running: Readonly<Record<string, number>>): OutcomeRecord => ({
    ...{ nginx: 'lb1', at: AUTHOR.at, sample: 1, counts: new Map() },
    shadow: new Map([['1.3.0', new Map(Object.entries(running))]]),
  });
  const known = state(new Map([[ONE, recordOf({ '1.1.0': 5 })]]));

  it('is written where etcd does not have it, and of the type alone', () => {
    expect(outcomeChanges(state(), [shadowed({ '1.1.0': 5 })], NOW)).toEqual([
      { epoch: ONE, record: recordOf({ '1.1.0': 5 }), isUrgent: false },
    ]);
    expect(outcomeChanges(state(), [shadowed({ '1.1.0': 5 }, 'plug')], NOW)).toEqual([]);
    expect(outcomeChanges(state(), [shadowed({})], NOW)).toEqual([]);
  });

  it('is not written again where etcd has as many devices, or more', () => {
    expect(outcomeChanges(known, [shadowed({ '1.1.0': 5 })], NOW)).toEqual([]);
    expect(outcomeChanges(known, [shadowed({ '1.1.0': 4 })], NOW)).toEqual([]);
  });

  it('is not written again where NGINX counts nobody any more, as long as the rollout names the release', () => {
    const both = state(
      new Map([[ONE, { ...recordOf({ '1.1.0': 5 }), counts: record({ offered: 3 }).counts }]]),
    );
    expect(outcomeChanges(both, [reported({ offered: 3 })], NOW)).toEqual([]);
  });

  it('is written again when it is that of another release', () => {
    const other = state(new Map([[ONE, recordOf({ '1.1.0': 5 })]]), '1.5.0');
    const { nginx, report } = shadowed({});
    const shadow = new Map([['toaster', new Map([['1.4.0', new Map([['1.1.0', 5]])]])]]);
    expect(outcomeChanges(other, [{ nginx, report: { ...report, shadow } }], NOW)).toMatchObject([
      { record: { shadow: shadow.get('toaster') } },
    ]);
  });

  it.each([
    [{ '1.1.0': 6 }, { '1.1.0': 6 }],
    [
      { '1.1.0': 5, '1.2.0': 1 },
      { '1.1.0': 5, '1.2.0': 1 },
    ],
    [{ '1.2.0': 1 }, { '1.1.0': 5, '1.2.0': 1 }],
  ])('is written again when %j is reported', (running, all) => {
    expect(outcomeChanges(known, [shadowed(running)], NOW)).toEqual([
      { epoch: ONE, record: recordOf(all), isUrgent: false },
    ]);
  });

  it('stays while the rollout names the release that is counted', () => {
    expect(outcomeChanges(known, [], NOW + 9 * HOUR)).toEqual([]);
    expect(outcomeChanges({ ...known, rollout: undefined }, [], NOW + 9 * HOUR)).toHaveLength(1);
  });

  it('is kept beside what was counted of devices that were offered the release', () => {
    const both = { ...recordOf({ '1.1.0': 5 }), counts: record({ offered: 3 }).counts };
    const later = state(new Map([[ONE, record({ offered: 3 })]]));
    expect(outcomeChanges(later, [shadowed({ '1.1.0': 5 })], NOW)).toEqual([
      { epoch: ONE, record: both, isUrgent: false },
    ]);
  });
});

describe('the record of outcomes', () => {
  it('is written as an NGINX reports them, and urgently when more devices have failed', () => {
    expect(outcomeChanges(state(), [reported({ offered: 3 })], NOW)).toEqual([
      { epoch: ONE, record: record({ offered: 3 }), isUrgent: false },
    ]);
    const known = state(new Map([[ONE, record({ offered: 3, lost: 1 })]]));
    expect(outcomeChanges(known, [reported({ offered: 3, lost: 2 })], NOW)).toMatchObject([
      { isUrgent: true },
    ]);
    expect(outcomeChanges(known, [reported({ offered: 4, lost: 1 })], NOW)).toMatchObject([
      { isUrgent: false },
    ]);
    expect(outcomeChanges(state(), [reported({ failed: 1 })], NOW)).toMatchObject([{ isUrgent: true }]);
  });

  it('is written again when another share of the devices is followed', () => {
    const known = state(new Map([[ONE, record({ offered: 3 })]]));
    const { nginx, report } = reported({ offered: 3 });
    const [change] = outcomeChanges(known, [{ nginx, report: { ...report, sample: 4 } }], NOW);
    expect(change?.record?.sample).toBe(4);
    const sampled = state(new Map([[ONE, { ...record({ offered: 3 }), sample: 4 }]]));
    expect(outcomeChanges(sampled, [reported({ offered: 3 })], NOW)).toEqual([]);
  });

  it('has the releases that the rollout names first, then the newest', () => {
    const others = Array.from({ length: 33 }, (_, i) => `2.${i}.0`);
    const { nginx, report } = reported({});
    const all = [...others, '1.3.0'].map((id) => [id, { ...NO_COUNTS, offered: 1 }] as const);
    const counts = new Map([['toaster', new Map(all)]]);
    const [change] = outcomeChanges(state(), [{ nginx, report: { ...report, counts } }], NOW);
    expect([...(change?.record?.counts.keys() ?? [])]).toEqual([
      '1.3.0',
      ...others.toReversed().slice(0, 31),
    ]);
  });

  it('is not written again where etcd has it, nor by whoever has an older report', () => {
    const known = state(new Map([[ONE, record({ offered: 3, booted: 2 })]]));
    expect(outcomeChanges(known, [reported({ offered: 3, booted: 2 })], NOW + HOUR)).toEqual([]);
    expect(outcomeChanges(known, [reported({ offered: 2 })], NOW + HOUR)).toEqual([]);
  });

  it('is written again when one of two numbers is another', () => {
    const two = (a: number, b: number) => new Map(Object.entries({ '1.1.0': a, '1.2.0': b }));
    const before = { ...record({}), counts: new Map(), shadow: new Map([['1.3.0', two(5, 2)]]) };
    const changes = outcomeChanges(
      state(new Map([[ONE, before]])),
      [shadowed({ '1.1.0': 5, '1.2.0': 3 })],
      NOW,
    );
    expect(changes[0]?.record?.shadow?.get('1.3.0')).toEqual(two(5, 3));
  });

  it('is written again when NGINX has counted another release', () => {
    const { nginx, report } = reported({ offered: 3 });
    const counts = new Map([
      ...(report.counts.get('toaster') ?? []),
      ...record({ offered: 1 }, '1.4.0').counts,
    ]);
    const known = state(new Map([[ONE, record({ offered: 3 })]]));
    const all = { ...report, counts: new Map([['toaster', counts]]) };
    expect(outcomeChanges(known, [{ nginx, report: all }], NOW)[0]?.record?.counts).toEqual(counts);
  });

  it('stays while the rollout names one of its releases', () => {
    const counts = new Map([...record({ booted: 2 }).counts, ...record({ booted: 1 }, '1.2.0').counts]);
    const known = state(new Map([[ONE, { ...record({}), counts }]]));
    expect(outcomeChanges(known, [], NOW + 9 * HOUR)).toEqual([]);
  });

  it('is gone after a change that deletes it', () => {
    const known = state(new Map([[ONE, record({ booted: 2 }, '1.2.0')]]));
    expect(outcomesAfter(known, outcomeChanges(known, [], NOW + 9 * HOUR))).toEqual(new Map());
  });

  it('is not written for nothing', () => {
    expect(outcomeChanges(state(), [reported({})], NOW)).toEqual([]);
  });

  it('stays when a life of NGINX is over, and that of the next is added', () => {
    const known = state(new Map([[ONE, record({ booted: 2 })]]));
    const after = outcomesAfter(known, outcomeChanges(known, [reported({ booted: 1 }, TWO)], NOW + 9 * HOUR));
    expect(total(after.values(), '1.3.0')).toEqual({ ...NO_COUNTS, booted: 3 });
  });

  it('goes when the rollout has not named its release for longer than NGINX remembers it', () => {
    const known = state(new Map([[ONE, record({ booted: 2 }, '1.2.0')]]));
    const gone = [{ epoch: ONE, record: undefined, isUrgent: false }];
    expect(outcomeChanges(known, [], NOW + 2 * HOUR)).toEqual([]);
    expect(outcomeChanges(known, [], NOW + 2 * HOUR + 1)).toEqual(gone);

    const unrolled = { ...known, rollout: undefined };
    expect(outcomeChanges(unrolled, [], NOW + 2 * HOUR)).toEqual([]);
    expect(outcomeChanges(unrolled, [], NOW + 2 * HOUR + 1)).toEqual(gone);

    const at = new Date(NOW + HOUR).toISOString();
    const changed = { ...known, rollout: { ...AUTHOR, at, downgrade: false, secureVersion: 0 } };
    expect(outcomeChanges(changed, [], NOW + 3 * HOUR)).toEqual([]);
    expect(outcomeChanges(changed, [], NOW + 3 * HOUR + 1)).toEqual(gone);
  });

  it('stays while NGINX reports its release, which may be rolled out again', () => {
    const known = state(new Map([[ONE, record({ booted: 2 }, '1.2.0')]]));
    expect(outcomeChanges(known, [reported({ booted: 2 }, ONE, '1.2.0')], NOW + 9 * HOUR)).toEqual([]);
    expect(outcomeChanges(known, [reported({}, ONE, '1.3.0')], NOW)).toEqual([
      { epoch: ONE, record: undefined, isUrgent: false },
    ]);
  });

  it('is the same whoever writes, in whatever order reports come, and however often', () => {
    const steps = fc.array(arbitrary.counts, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (increments, order) => {
        const readings = increments.map((_, i) => sum(increments.slice(0, i + 1)));
        let known = state();
        for (let i = 0; i < 10; i++) {
          const reading = readings[order.next().value % readings.length];
          known = {
            ...known,
            outcomes: outcomesAfter(known, outcomeChanges(known, [reported(reading ?? {})], NOW)),
          };
        }
        const last = readings.at(-1) ?? NO_COUNTS;
        known = { ...known, outcomes: outcomesAfter(known, outcomeChanges(known, [reported(last)], NOW)) };
        expect(total(known.outcomes.values(), '1.3.0')).toEqual(last);
      }),
    );
  });

  it('is read back as it was written, however many releases and versions somebody reports', () => {
    const versions = Array.from({ length: 32 }, (_, i) => `1.${i}.0`);
    const before: OutcomeRecord = {
      ...record({ booted: 1 }),
      counts: new Map(versions.map((id) => [id, { ...NO_COUNTS, offered: 1 }])),
      shadow: new Map([['1.3.0', new Map(versions.map((id) => [id, 1]))]]),
    };
    const others = Array.from({ length: 32 }, (_, i) => `2.${i}.0`);
    const { nginx, report } = reported({});
    const counts = new Map([['toaster', new Map(others.map((id) => [id, { ...NO_COUNTS, offered: 1 }]))]]);
    const shadow = new Map([['toaster', new Map([['1.3.0', new Map(others.map((id) => [id, 2]))]])]]);
    const known = state(new Map([[ONE, before]]));
    const [change] = outcomeChanges(known, [{ nginx, report: { ...report, counts, shadow } }], NOW);
    const written = change?.record;
    if (written === undefined) throw new Error('nothing to write');
    expect(decodeOutcomes(encodeOutcomes(written))).toEqual({ ok: true, value: written });
    expect(written.counts.has('1.3.0')).toBe(true);
  });
});
