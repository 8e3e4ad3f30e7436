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
