import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import type { Intent } from '../../../src/core/desired.js';
import {
  DEFAULT_GUARD,
  EMPTY_GUARD,
  endHold,
  type GuardState,
  guardStep,
  inGrace,
  nextHoldEnd,
  seedGuard,
} from '../../../src/core/guard.js';
import { SOME_ADDRESSES, someAddress } from '../../support/arbitraries.js';

const [A, B, C, D] = SOME_ADDRESSES as [Address, Address, Address, Address];

type Step = readonly [at: number, registered: readonly (Address | readonly [Address, Intent])[]];

function run(steps: readonly Step[], from: GuardState = EMPTY_GUARD): GuardState {
  return steps.reduce((state, [at, registered]) => {
    const members = registered.map((each): [Address, Intent] =>
      typeof each === 'string' ? [each, 'serve'] : [each[0], each[1]],
    );
    return guardStep(state, new Map(members), DEFAULT_GUARD, at);
  }, from);
}

const held = (state: GuardState) => [...state.held.keys()].sort();

describe('the guard', () => {
  it.each<[string, readonly Step[], readonly Address[]]>([
    [
      'nothing vanished',
      [
        [0, [A, B]],
        [1, [A, B]],
      ],
      [],
    ],
    [
      'one of four',
      [
        [0, [A, B, C, D]],
        [1, [A, B, C]],
      ],
      [],
    ],
    [
      'half is not more than half',
      [
        [0, [A, B, C, D]],
        [1, [A, B]],
      ],
      [],
    ],
    [
      'three of four at once',
      [
        [0, [A, B, C, D]],
        [1, [A]],
      ],
      [B, C, D],
    ],
    [
      'three of four within the window',
      [
        [0, [A, B, C, D]],
        [1_000, [A, B, C]],
        [59_000, [A]],
      ],
      [B, C, D],
    ],
    [
      'three of four, slowly',
      [
        [0, [A, B, C, D]],
        [1_000, [A, B, C]],
        [70_000, [A, B]],
        [140_000, [A]],
      ],
      [],
    ],
    [
      'the only one',
      [
        [0, [A]],
        [1, []],
      ],
      [A],
    ],
    [
      'all of them',
      [
        [0, [A, B]],
        [1, []],
      ],
      [A, B],
    ],
    [
      'all that asked to drain',
      [
        [0, [A, B]],
        [
          1,
          [
            [A, 'drain'],
            [B, 'drain'],
          ],
        ],
        [2, []],
      ],
      [],
    ],
    [
      'the last that stays, as the others drain',
      [
        [0, [A, B]],
        [1, [[A, 'drain'], B]],
        [2, [[A, 'drain']]],
      ],
      [B],
    ],
    [
      'a long quiet time before the loss',
      [
        [0, [A, B, C, D]],
        [3_600_000, [A]],
      ],
      [B, C, D],
    ],
    [
      'registered again',
      [
        [0, [A, B]],
        [1, []],
        [2, [A, B]],
      ],
      [],
    ],
    [
      'one of the held registered again',
      [
        [0, [A, B]],
        [1, []],
        [2, [A]],
      ],
      [B],
    ],
    [
      'the hold over',
      [
        [0, [A, B]],
        [1, []],
        [120_001, []],
      ],
      [],
    ],
    [
      'the hold nearly over',
      [
        [0, [A, B]],
        [1, []],
        [120_000, []],
      ],
      [A, B],
    ],
  ])('%s', (_, steps, expected) => {
    expect(held(run(steps))).toEqual(expected);
  });

  it('says when the first hold ends', () => {
    const state = run([
      [0, [A, B]],
      [1_000, []],
    ]);
    expect(nextHoldEnd(state, DEFAULT_GUARD, 11_000)).toBe(121_000);
    expect(nextHoldEnd(EMPTY_GUARD, DEFAULT_GUARD, 0)).toBeUndefined();
  });

  it('says when the first grace ends, held or not', () => {
    const state = run([
      [0, [A, B, C, D]],
      [1_000, [A, B, C]],
    ]);
    expect(nextHoldEnd(state, DEFAULT_GUARD, 1_000)).toBe(11_000);
    expect(nextHoldEnd(state, DEFAULT_GUARD, 11_000)).toBeUndefined();
  });

  it('leaves what vanished alone for the grace, and what asked to drain not at all', () => {
    const state = run([
      [0, [A, B, C, D]],
      [1_000, [A, B, [C, 'drain']]],
      [2_000, [A, B]],
    ]);
    const graced = (at: number) => [...inGrace(state, DEFAULT_GUARD, at)];
    expect(graced(2_000)).toEqual([D]);
    expect(graced(10_999)).toEqual([D]);
    expect(graced(11_000)).toEqual([]);
    expect(inGrace(endHold(state), DEFAULT_GUARD, 2_000).size).toBe(0);
  });

  it('holds all of a loss that is spread over the grace, the first as well as the last', () => {
    const six = SOME_ADDRESSES.slice(0, 6);
    let state = run([[0, six]]);
    const touched = new Set<Address>();
    six.forEach((_, i) => {
      const at = 1_000 + i * 1_900;
      const left = new Map(six.slice(i + 1).map((address): [Address, Intent] => [address, 'serve']));
      state = guardStep(state, left, DEFAULT_GUARD, at);
      for (const address of six.slice(0, i + 1)) {
        if (!state.held.has(address) && !inGrace(state, DEFAULT_GUARD, at).has(address)) touched.add(address);
      }
    });
    expect([...touched]).toEqual([]);
    expect(held(state)).toEqual([...six].sort());
  });

  it('released, forgives what has vanished', () => {
    const steps: readonly Step[] = [
      [0, [A, B, C, D]],
      [1_000, [A]],
    ];
    const released = endHold(run(steps));
    expect(held(run([[2_000, [A]]], released))).toEqual([]);
  });

  it('takes what NGINX serves at the beginning for registered, and what is out of rotation for draining', () => {
    expect(held(run([[0, [A]]], seedGuard([A, B, C], [])))).toEqual([B, C]);
    expect(held(run([[0, [A]]], seedGuard([A], [B, C, D])))).toEqual([]);
  });

  it('never keeps what is registered, and nothing for longer than `hold` or `grace` after it vanished', () => {
    const history = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.uniqueArray(someAddress, { maxLength: 6 })),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(history, (steps) => {
        let state = EMPTY_GUARD;
        let now = 0;
        const lastSeen = new Map<Address, number>();
        for (const [wait, registered] of steps) {
          // A server was registered until the step before this one.
          for (const address of state.members.keys()) lastSeen.set(address, now + wait);
          now += wait;
          state = run([[now, registered]], state);
          expectBounds(state, registered, now, lastSeen);
        }
      }),
    );
  });
});

function expectBounds(
  state: GuardState,
  registered: readonly Address[],
  now: number,
  lastSeen: ReadonlyMap<Address, number>,
): void {
  const vanished = (address: Address) => lastSeen.get(address) ?? 0;
  for (const [address, until] of state.held) {
    expect(registered).not.toContain(address);
    expect(until).toBeGreaterThan(now);
    expect(until - vanished(address)).toBeLessThanOrEqual(DEFAULT_GUARD.hold);
  }
  for (const address of inGrace(state, DEFAULT_GUARD, now)) {
    expect(registered).not.toContain(address);
    expect(now - vanished(address)).toBeLessThan(DEFAULT_GUARD.grace);
  }
}
