/** From the records in etcd to the answers of NGINX: devices walk from stepping stone to stepping stone. */

import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { refuseChain } from '../../../src/firmware/chain.js';
import { compareReleases, type ReleaseId } from '../../../src/firmware/names.js';
import { offeringOf } from '../../../src/firmware/offering.js';
import { offeringSteps } from '../../../src/firmware/offering-steps.js';
import type { Release } from '../../../src/firmware/release.js';
import type { Rollout } from '../../../src/firmware/rollout.js';
import { answer } from '../../../src/firmware/shared/answer.js';
import { fc } from '../../support/property.js';
import { sha256 } from '../gateway/support/memory.js';
import { AUTHOR, release, typeWith } from './support/types.js';

/** What NGINX holds of a type with these releases, the newest of which is stable. */
function zoneOf(releases: readonly Release[], stable: ReleaseId): ReadonlyMap<string, string> {
  const rollout: Rollout = { ...AUTHOR, stable, downgrade: false, secureVersion: 0 };
  const offering = offeringOf({
    prefixes: DEFAULT_KEY_PREFIXES,
    types: [{ ...typeWith(...releases), rollout }],
    servers: [{ address: '10.0.0.11:8080', heldUpTo: 1 }],
    origin: 'https://ota.example.com',
    revision: 1,
  });
  if (offering === undefined) throw new Error('a firmware server is registered');
  return new Map(offeringSteps(new Map(), offering, 1).map(({ key, value = '' }) => [key, value]));
}

/** The version that a device is told of; undefined: nothing new. */
function told(zone: ReadonlyMap<string, string>, version: ReleaseId): ReleaseId | undefined {
  const request = {
    ...{ method: 'GET', path: '/ota', query: `type=toaster&version=${version}`, https: true },
    ...{ header: () => undefined, certificate: '', region: '' },
  };
  const store = { get: (key: string) => zone.get(key), digest: sha256, memory: undefined };
  const { status, body } = answer(request, store);
  expect(status).toBe(200);
  const manifest = JSON.parse(body) as { version: string } | never[];
  return Array.isArray(manifest) ? undefined : manifest.version;
}

function isTakenBy({ version, from = '0.0.0' }: Release, device: ReleaseId): boolean {
  return compareReleases(version, device) > 0 && compareReleases(device, from) >= 0;
}

/** Where a device gets to that begins with this version; it is offered nothing that it may not take. */
function walk(
  zone: ReadonlyMap<string, string>,
  releases: ReadonlyMap<ReleaseId, Release>,
  start: ReleaseId,
): ReleaseId {
  let version = start;
  for (;;) {
    const next = told(zone, version);
    // The client takes what is newer, and nothing else.
    if (next === undefined || compareReleases(next, version) <= 0) return version;
    expect(isTakenBy(releases.get(next) ?? release('0.0.0'), version)).toBe(true);
    version = next;
  }
}

describe('the way of a device', () => {
  it('leads to the stable release from every version that may take some release, by releases that the device may take', () => {
    const spot = fc.integer({ min: 1, max: 8 });
    const spots = fc.uniqueArray(
      fc.record({ at: spot, from: fc.option(spot, { nil: undefined }), through: fc.boolean() }),
      { selector: ({ at }) => at, minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(spots, (given) => {
        const releases = given.map(
          ({ at, from, through }): Release => ({
            ...release(`${at}.0.0`),
            ...(from !== undefined && from < at && { from: `${from}.0.0` }),
            ...(through && { through }),
          }),
        );
        const byId = new Map(releases.map((one) => [one.version, one]));
        const stable = `${Math.max(...given.map(({ at }) => at))}.0.0`;
        const zone = zoneOf(releases, stable);
        const isWalkable = refuseChain(byId, stable) === undefined;
        for (let i = 0; i < 16; i++) {
          const start = `${Math.floor(i / 2)}.${i % 2}.0`;
          const isServed = releases.some((one) => isTakenBy(one, start));
          expect(walk(zone, byId, start)).toBe(isWalkable && isServed ? stable : start);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has nothing new where a stepping stone is not on every server yet', () => {
    const stone: Release = { ...release('1.5.0'), through: true };
    const zone = new Map(zoneOf([release('1.0.0'), stone, release('2.0.0')], '2.0.0'));
    expect([told(zone, '1.0.0'), told(zone, '1.5.0')]).toEqual(['1.5.0', '2.0.0']);
    zone.delete('toaster/via/1.5.0');
    expect([told(zone, '1.0.0'), told(zone, '1.5.0')]).toEqual([undefined, '2.0.0']);
  });
});
