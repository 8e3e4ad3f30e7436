import { describe, expect, it } from 'vitest';
import { shareOf, slotsFor, slotsOf } from '../../../src/firmware/slots.js';

const SERVERS = [
  { slots: 50 },
  {},
  { slots: 30, region: 'eu' },
  { slots: 10, region: 'eu' },
  { region: 'us' },
];

describe('the sum of the slots of firmware servers', () => {
  it('is that of all, and of each region that has servers', () => {
    expect(slotsOf(SERVERS)).toEqual({
      all: 90 + 2 * 100,
      byRegion: new Map([
        ['eu', 40],
        ['us', 100],
      ]),
    });
  });

  it('is shared among NGINX, each of which has one at least', () => {
    const slots = { all: 300, byRegion: new Map([['eu', 1]]) };
    expect(shareOf(slots, 2)).toEqual({ all: 150, byRegion: new Map([['eu', 1]]) });
  });

  it("is for a region's line that of its servers where it has any, and else that of all", () => {
    const slots = { all: 300, byRegion: new Map([['eu', 40]]) };
    expect(['lamp@eu', 'lamp@us', 'lamp'].map((type) => slotsFor(slots, type))).toEqual([40, 300, 300]);
  });
});
