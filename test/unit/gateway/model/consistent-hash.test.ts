import { describe, expect, it } from 'vitest';
import * as fastPath from '../../../../src/gateway/balance/fast-path.js';
import type { WeightedServer } from '../../../../src/gateway/model/consistent-hash.js';
import * as hash from '../../../../src/gateway/model/consistent-hash.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import { fc } from '../../../support/property.js';
import { sha256 } from '../support/memory.js';

/** The owner of each bucket, built at once. */
function buckets(servers: hash.WeightedServer[]): number[] {
  const owners: number[] = [];
  const pointsOf: hash.PointSource = (server, block, digests) =>
    hash.computePoints((servers[server] as hash.WeightedServer).server, block, digests, sha256);
  steps.run(hash.buildBuckets(servers, pointsOf, owners));
  return owners;
}

const CLIENTS = Array.from({ length: 10_000 }, (_, i) => `esp32-${i.toString(16).padStart(6, '0')}`);

function brokers(count: number, weight = 1): WeightedServer[] {
  return Array.from({ length: count }, (_, i) => ({ server: `10.0.${i >> 8}.${i & 255}:1883`, weight }));
}

/** Which broker each client belongs to. */
function owners(members: WeightedServer[], clients = CLIENTS): string[] {
  const table = buckets(members);
  return clients.map(
    (client) => (members[table[fastPath.bucket(client)] as number] as WeightedServer).server,
  );
}

/** The highest point of the ring. */
const LAST = 0xffff_ffff;

/** A block of points: these, and the highest one for the rest. */
function points(...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4096));
  for (let i = 0; i < 1024; i++) view.setUint32(4 * i, values[i] ?? LAST);
  return new Uint8Array(view.buffer);
}

/** The owner of each bucket where servers have these points. */
function ring(members: WeightedServer[], pointsOf: hash.PointSource): number[] {
  const table: number[] = [];
  steps.run(hash.buildBuckets(members, pointsOf, table));
  return table;
}

function moved(before: string[], after: string[]): number {
  return before.filter((owner, i) => owner !== after[i]).length;
}

function loads(of: string[]): number[] {
  const found = new Map<string, number>();
  for (const owner of of) found.set(owner, (found.get(owner) ?? 0) + 1);
  return [...found.values()];
}

describe('the ring', () => {
  it('is empty without servers', () => {
    expect(buckets([])).toEqual([]);
  });

  it('spreads 10,000 clients over 10 brokers to within a fifth', () => {
    for (const load of loads(owners(brokers(10)))) {
      expect(load).toBeGreaterThan(800);
      expect(load).toBeLessThan(1200);
    }
  });

  it('moves at most 15 % of the clients when one of 10 brokers goes or an 11th comes', () => {
    const ten = owners(brokers(10));
    expect(moved(ten, owners(brokers(11)))).toBeLessThan(1500);
    expect(moved(ten, owners(brokers(10).slice(1)))).toBeLessThan(1500);
  });

  it('moves the clients of a removed broker and no others', () => {
    const members = brokers(10);
    const before = owners(members);
    for (const gone of members) {
      const after = owners(members.filter((member) => member !== gone));
      before.forEach((owner, i) => {
        if (owner !== gone.server) expect(after[i]).toBe(owner);
      });
    }
  });

  it('does not depend on the order in which brokers were added', () => {
    const members = brokers(7);
    fc.assert(
      fc.property(fc.shuffledSubarray(members, { minLength: 7 }), (shuffled) => {
        expect(owners(shuffled)).toEqual(owners(members));
      }),
      { numRuns: 10 },
    );
  });

  it('gives a broker of twice the weight twice the clients', () => {
    const members = brokers(4);
    members[0] = { server: '10.0.0.0:1883', weight: 2 };
    const heavy = owners(members).filter((owner) => owner === '10.0.0.0:1883').length;
    expect(heavy / CLIENTS.length).toBeGreaterThan(0.32);
    expect(heavy / CLIENTS.length).toBeLessThan(0.48);
  });

  it('gives points to each of a thousand servers, in bounded time whatever the weights', () => {
    const table = buckets(brokers(1000, 65535));
    expect(table).toHaveLength(hash.BUCKETS);
    expect(new Set(table).size).toBeGreaterThan(990);
  });

  it('moves few clients when a group that is too big for full resolution grows by one', () => {
    expect(moved(owners(brokers(200)), owners(brokers(201)))).toBeLessThan(400);
  });

  it('is cut off for each server at its share of the points, and reads them by blocks', () => {
    const asked: number[][] = [];
    const members = [...brokers(1, 2), ...brokers(48).slice(1)];
    ring(members, (member, block, digests) => {
      if (member < 2) asked.push([member, block, digests]);
      return points();
    });
    // 49,152 of 50,176 points: 2,006 of weight 2, and 1,003 of weight 1, eight in a digest.
    expect(asked).toEqual([
      [0, 0, 128],
      [0, 1, 123],
      [1, 0, 126],
    ]);
  });

  it('has no point of a server behind its share', () => {
    const members = [...brokers(1, 2), ...brokers(48).slice(1)];
    const behind = points(...new Array<number>(2006 - 1024).fill(LAST), 0);
    const table = ring(members, (member, block) => {
      if (member === 0 && block === 1) return behind;
      return member === 1 ? points(8 << 16) : points();
    });
    expect(table.slice(0, 3)).toEqual([1, 1, 0]);
  });

  it('gives a bucket to the server with the lowest point, to the last byte', () => {
    const lowest = (a: number, b: number) => ring(brokers(2), (member) => points(member === 0 ? a : b))[0];
    for (const [a, b] of [
      [1, 2],
      [0x100, 0x200],
      [0xff, 0x100],
    ] as const)
      expect([lowest(a, b), lowest(b, a)]).toEqual([0, 1]);
  });

  it('gives equal points to the server whose address comes first, whichever was added first', () => {
    const [one, other] = brokers(2) as [WeightedServer, WeightedServer];
    for (const first of [0, LAST]) {
      expect(new Set(ring([one, other], () => points(first)))).toEqual(new Set([0]));
      expect(new Set(ring([other, one], () => points(first)))).toEqual(new Set([1]));
    }
  });

  it('gives a bucket without a point to the server of the next one, and those behind the last to that of the first', () => {
    const at = (buckets: readonly [number, number]) =>
      ring(brokers(2), (member) => {
        const bucket = buckets[member] as number;
        return points(...new Array<number>(1024).fill(bucket * 2 ** 19));
      });
    const [early, late] = [at([0, 5]), at([5, 3])];
    expect([...early.slice(0, 7), early.at(-1)]).toEqual([0, 1, 1, 1, 1, 1, 0, 0]);
    expect([...late.slice(0, 7), late.at(-1)]).toEqual([1, 1, 1, 1, 0, 0, 1, 1]);
    expect(new Set(ring(brokers(1), () => points(...new Array<number>(1024).fill(0))))).toEqual(new Set([0]));
  });

  it('has points that are digests of the address and a number', () => {
    const texts: string[] = [];
    const bytes = hash.computePoints('10.0.0.1:80', 2, 2, (text) => {
      texts.push(text);
      return new Uint8Array(32).fill(texts.length);
    });
    expect(texts).toEqual(['10.0.0.1:80#256', '10.0.0.1:80#257']);
    expect([bytes.length, bytes[0], bytes[31], bytes[32]]).toEqual([64, 1, 1, 2]);
  });

  it('has fixed owners: another version of this code sends clients to the same brokers', () => {
    expect(owners(brokers(3), ['a', 'b', 'c', 'sensor-17', 'Gerät'])).toMatchInlineSnapshot(`
      [
        "10.0.0.1:1883",
        "10.0.0.0:1883",
        "10.0.0.1:1883",
        "10.0.0.1:1883",
        "10.0.0.2:1883",
      ]
    `);
  });
});
