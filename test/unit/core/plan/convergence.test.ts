import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import type { DesiredServer } from '../../../../src/core/desired.js';
import type { DrainClock } from '../../../../src/core/drain.js';
import { type PlanInput, plan } from '../../../../src/core/plan.js';
import type { ActualServer } from '../../../../src/core/ports.js';
import { DEFAULT_PARAMETERS, differences } from '../../../../src/core/server-parameters.js';
import type { Kind } from '../../../../src/core/upstream.js';
import { actualServers, desiredServers, someAddress } from '../../../support/arbitraries.js';
import { fc } from '../../../support/property.js';
import { apply, input, LIMITS, NOW } from '../support/plan.js';

interface Situation extends Pick<PlanInput, 'kind' | 'desired' | 'held'> {
  readonly actual: readonly ActualServer[];
}

const situation = fc.record({
  kind: fc.constantFrom<Kind>('http', 'stream'),
  desired: desiredServers,
  actual: actualServers,
  held: fc.uniqueArray(someAddress, { maxLength: 2 }).map((held) => new Set(held)),
});

function settle(given: Situation): {
  actual: readonly ActualServer[];
  passes: number;
  last: ReturnType<typeof plan>;
} {
  let { actual } = given;
  if (given.kind === 'stream') actual = actual.map((server) => ({ ...server, draining: false }));
  let drains: ReadonlyMap<Address, DrainClock> = new Map();
  for (let passes = 1; passes < 20; passes++) {
    // Far enough apart that every drain is over by the pass after.
    const last = plan(input({ ...given, actual, drains, now: NOW + passes * LIMITS.timeout }));
    if (last.actions.length === 0 && last.drains.size === 0) return { actual, passes, last };
    actual = apply(given.kind, actual, last.actions);
    drains = last.drains;
  }
  throw new Error('the plan does not come to rest');
}

function expectMet(kind: Kind, actual: readonly ActualServer[], wanted: DesiredServer): void {
  const present = actual.filter((server) => server.address === wanted.address);
  if (wanted.intent === 'drain') expect(present).toEqual([]);
  if (wanted.intent === 'keep') expect(present.length).toBeLessThanOrEqual(1);
  if (wanted.intent !== 'serve') return;
  expect(present).toHaveLength(1);
  expect(present[0]?.draining).toBe(false);
  expect(differences(kind, present[0]?.parameters ?? DEFAULT_PARAMETERS, wanted.parameters)).toEqual({});
}

describe('a series of plans', () => {
  it('reaches what is wanted: every address serves once and as registered; the drained and the unregistered are gone', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { actual } = settle(given);
        for (const wanted of given.desired.values()) expectMet(given.kind, actual, wanted);
        const strangers = actual.filter(
          ({ address }) => !given.desired.has(address) && !given.held.has(address),
        );
        expect(strangers).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('converges: planning once more yields nothing', () => {
    fc.assert(
      fc.property(situation, (given) => {
        const { actual, last } = settle(given);
        expect(last).toMatchObject({ actions: [], deferred: [] });
        expect(plan(input({ ...given, actual })).actions).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
