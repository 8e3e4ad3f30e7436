import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { actionKey, plan } from '../../../../src/core/plan.js';
import { SOME_ADDRESSES } from '../../../support/arbitraries.js';
import { fc } from '../../../support/property.js';
import { A, B, C, callsOf, D, has, input, moment, OUT_LONG, wants } from '../support/plan.js';

describe('a plan for some addresses', () => {
  const only = (...addresses: Address[]) => new Set(addresses);

  it('leaves every other address alone', () => {
    const desired = wants([A, 'serve'], [B, 'serve'], [C, 'serve', { weight: 2 }]);
    const found = plan(input({ desired, actual: [has(0, C), has(1, D)], only: only(A, C) }));
    expect(found.actions.map(({ type, address }) => [type, address])).toEqual([
      ['add', A],
      ['update', C],
    ]);
  });

  it('defers the drain of the last serving server that is wanted, as a plan for all does', () => {
    const desired = wants([A, 'drain'], [B, 'serve']);
    const found = plan(input({ desired, actual: [has(0, A), has(1, C)], only: only(A) }));
    expect(found).toMatchObject({ actions: [], deferred: [A] });
  });

  it('names the server that goes on serving while others are drained', () => {
    const desired = wants([A, 'drain'], [B, 'serve']);
    const found = plan(input({ desired, actual: [has(0, A), has(1, B)], only: only(A) }));
    expect(callsOf(found)).toEqual([{ type: 'drain', address: A, id: 0 }]);
    expect(found.stillServing).toMatchObject({ address: B, id: 1 });
  });

  it('removes a server of a full zone as long as any other serves', () => {
    const desired = wants([A, 'drain'], [B, 'serve']);
    const full = { desired, only: only(A), zoneFull: true };
    expect(plan(input({ ...full, actual: [has(0, A), has(1, C)] })).actions).toHaveLength(1);
    expect(plan(input({ ...full, actual: [has(0, A)] })).deferred).toEqual([A]);
  });

  it('considers no server idle or failing by counters that were not read for it', () => {
    const drains = new Map([[A, OUT_LONG]]);
    const actual = [has(0, A, { draining: true }), has(1, B, { failing: true })];
    const desired = wants([A, 'drain']);
    const given = { desired, actual, drains, graced: only(B) };
    expect(plan(input({ ...given, countersAreFresh: false })).actions).toEqual([]);
    expect(plan(input(given)).actions.map(({ type }) => type)).toEqual(['remove', 'remove']);
  });

  it.each([true, false])(
    'uses what the load balancer’s own probes say of a server, with fresh counters or without: %s',
    (countersAreFresh) => {
      const health = (address: Address) => (address === B ? ('unhealthy' as const) : ('healthy' as const));
      const found = plan(input({ actual: [has(1, B)], health, countersAreFresh, only: only(B) }));
      expect(callsOf(found)).toEqual([{ type: 'remove', id: 1, address: B, reason: 'failing' }]);
    },
  );

  it('has nothing to do for an address that is neither wanted nor there', () => {
    expect(plan(input({ only: only(A) }))).toMatchObject({ actions: [], deferred: [] });
  });

  it('equals the part of the plan for all about them, if another server goes on serving', () => {
    fc.assert(
      fc.property(moment, (given) => {
        const serving = has(99, D);
        const desired = new Map([...given.desired, ...wants([D, 'serve'])]);
        const actual = [...given.actual.filter(({ address }) => address !== D), serving];
        const all = plan(input({ ...given, desired, actual, drains: given.drains }));
        const parts = SOME_ADDRESSES.map((address) =>
          plan(input({ ...given, desired, actual, drains: given.drains, only: only(address) })),
        );
        const keys = (plans: readonly ReturnType<typeof plan>[]) =>
          plans.flatMap(({ actions }) => actions.map(actionKey)).sort();
        expect(keys(parts)).toEqual(keys([all]));
      }),
      { numRuns: 300 },
    );
  });
});
