import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import type { Intent } from '../../../src/core/desired.js';
import { DEFAULT_GUARD, Guard } from '../../../src/core/guard.js';
import { SOME_ADDRESSES, someAddress } from '../../support/arbitraries.js';
import { fc } from '../../support/property.js';

const [A, B, C, D, E, F] = SOME_ADDRESSES as [Address, Address, Address, Address, Address, Address];

type Step = readonly [at: number, registered: readonly (Address | readonly [Address, Intent])[]];

/** Tells the guard what is registered, at each of these times. */
function run(steps: readonly Step[], guard = new Guard(), policy = DEFAULT_GUARD): Guard {
  for (const [at, registered] of steps) {
    const intents = new Map<Address, Intent>(
      registered.map((each) => (typeof each === 'string' ? [each, 'serve'] : each)),
    );
    const gone = [...guard.members].filter((address) => !intents.has(address));
    guard.step([...intents, ...gone.map((address) => [address, undefined] as const)], policy, at);
  }
  return guard;
}

const held = (guard: Guard) => [...guard.held.keys()].sort();

/** Which of the addresses are in their grace. */
const inGrace = (guard: Guard, at: number) =>
  SOME_ADDRESSES.filter((address) => guard.isInGrace(address, DEFAULT_GUARD, at));

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
      'three of four, the first of them just within the window',
      [
        [0, [A, B, C, D]],
        [1_000, [A, B, C]],
        [61_000, [A]],
      ],
      [B, C, D],
    ],
    [
      'three of four, the first of them before the window',
      [
        [0, [A, B, C, D]],
        [1_000, [A, B, C]],
        [61_001, [A]],
      ],
      [B, C],
    ],
    [
      'two of what were six within the window',
      [
        [0, [A, B, C, [D, 'drain'], [E, 'drain'], [F, 'drain']]],
        [1_000, [A, B, C]],
        [61_000, [A]],
      ],
      [],
    ],
    [
      'two of what were six before the window, and three since',
      [
        [0, [A, B, C, [D, 'drain'], [E, 'drain'], [F, 'drain']]],
        [1_000, [A, B, C]],
        [61_001, [A]],
      ],
      [B, C],
    ],
    [
      'half of a group that has grown',
      [
        [0, [A]],
        [1_000, [A, B, C, D]],
        [2_000, [A, B]],
      ],
      [],
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
  ])('decides which servers to hold: %s', (_, steps, expected) => {
    expect(held(run(steps))).toEqual(expected);
  });

  it('holds all of a second loss, those that went before it showed as well', () => {
    const guard = run([
      [0, [A, B, C, D]],
      [1_000, [A]],
      [2_000, [A, B, C, D]],
      [3_000, [A, B, C]],
      [4_000, [A]],
    ]);
    expect(held(guard)).toEqual([B, C, D]);
  });

  it('holds by the policy that it is given last, also what it holds already', () => {
    const guard = run([
      [0, [A, B, C, D]],
      [1_000, [A]],
    ]);
    const step = guard.step([[A, undefined]], { ...DEFAULT_GUARD, hold: 60_000 }, 2_000);
    expect(step).toEqual({ held: [A], unheld: [] });
    expect(Object.fromEntries(guard.held)).toEqual({ [A]: 62_000, [B]: 61_000, [C]: 61_000, [D]: 61_000 });
  });

  it('holds nothing of which the hold would be over', () => {
    const policy = { ...DEFAULT_GUARD, hold: 5_000 };
    const steps: readonly Step[] = [
      [0, [A, B, C, D]],
      [1_000, [A, B, C]],
      [6_000, [A]],
    ];
    expect(held(run(steps, new Guard(), policy))).toEqual([B, C]);
  });

  it('remembers what vanished for as long as its grace, where that is longer than the window', () => {
    const policy = { ...DEFAULT_GUARD, window: 1_000, grace: 10_000 };
    const steps: readonly Step[] = [
      [0, [A, B, C, D]],
      [1_000, [A, B, C]],
      [5_000, [A, B, C]],
    ];
    const guard = run(steps, new Guard(), policy);
    expect(guard.isInGrace(D, policy, 5_000)).toBe(true);
    expect(held(run([[6_000, [A]]], guard, policy))).toEqual([B, C]);
  });

  it('counts nothing that vanished before the window, although it is in its grace', () => {
    const policy = { ...DEFAULT_GUARD, window: 1_000, grace: 10_000 };
    const steps: readonly Step[] = [
      [0, [A, B, C, D, E, F]],
      [1_000, [A, B, C, D]],
      [6_000, [A, B, C]],
    ];
    expect(held(run(steps, new Guard(), policy))).toEqual([]);
  });

  it('holds no server that asked to drain among those that vanish later', () => {
    const guard = run([
      [0, [A, B, C, E, [D, 'drain']]],
      [1_000, [A, [D, 'drain']]],
      [2_000, [A]],
    ]);
    expect(held(guard)).toEqual([B, C, E]);
  });

  it('is told that a server is gone which it never knew', () => {
    const guard = new Guard();
    expect(guard.step([[A, undefined]], DEFAULT_GUARD, 0)).toEqual({ held: [], unheld: [] });
  });

  it('reports when the first hold ends', () => {
    const guard = run([
      [0, [A, B]],
      [1_000, []],
    ]);
    expect(guard.nextEnd(DEFAULT_GUARD, 11_000)).toBe(121_000);
    run([[20_000, [C, D]]], guard);
    run([[30_000, []]], guard);
    expect(guard.nextEnd(DEFAULT_GUARD, 40_000)).toBe(121_000);
    expect(new Guard().nextEnd(DEFAULT_GUARD, 0)).toBeUndefined();
  });

  it('reports when the first grace ends, held or not', () => {
    const guard = run([
      [0, [A, B, C, D]],
      [1_000, [A, B, C]],
    ]);
    expect(guard.nextEnd(DEFAULT_GUARD, 1_000)).toBe(11_000);
    run([[2_000, [A, B]]], guard);
    expect(guard.nextEnd(DEFAULT_GUARD, 2_000)).toBe(11_000);
    expect(guard.nextEnd(DEFAULT_GUARD, 11_000)).toBe(12_000);
    run([[12_000, [A, B, C]]], guard);
    expect(guard.nextEnd(DEFAULT_GUARD, 11_000)).toBeUndefined();
  });

  it('ignores vanished instances during the grace, and instances that asked to drain always', () => {
    const guard = run([
      [0, [A, B, C, D]],
      [1_000, [A, B, [C, 'drain']]],
      [2_000, [A, B]],
    ]);
    expect(inGrace(guard, 2_000)).toEqual([D]);
    expect(inGrace(guard, 10_999)).toEqual([D]);
    expect(inGrace(guard, 11_000)).toEqual([]);
    guard.unholdAll();
    expect(inGrace(guard, 2_000)).toEqual([]);
  });

  it('holds all of a loss that is spread over the grace, the first as well as the last', () => {
    const six = SOME_ADDRESSES.slice(0, 6);
    const guard = run([[0, six]]);
    const touched = new Set<Address>();
    six.forEach((_, i) => {
      const at = 1_000 + i * 1_900;
      run([[at, six.slice(i + 1)]], guard);
      for (const address of six.slice(0, i + 1)) {
        if (!guard.held.has(address) && !inGrace(guard, at).includes(address)) touched.add(address);
      }
    });
    expect([...touched]).toEqual([]);
    expect(held(guard)).toEqual([...six].sort());
  });

  it('forgets vanished instances when an operator ends its holds', () => {
    const steps: readonly Step[] = [
      [0, [A, B, C, D]],
      [1_000, [A]],
    ];
    const guard = run(steps);
    expect(guard.unholdAll()).toEqual([B, C, D]);
    expect(held(run([[2_000, [A]]], guard))).toEqual([]);
  });

  it('counts at the start what NGINX serves as registered, and what is out of rotation as draining', () => {
    expect(held(run([[0, [A]]], new Guard([A, B, C])))).toEqual([B, C]);
    expect(held(run([[0, [A]]], new Guard([A], [B, C, D])))).toEqual([]);
  });

  it('reports what each step begins to hold and ends, and each server once', () => {
    const guard = new Guard([A, B, C, D]);
    const gone = (...addresses: Address[]) => addresses.map((address) => [address, undefined] as const);
    expect(guard.step(gone(A, B), DEFAULT_GUARD, 0)).toEqual({ held: [], unheld: [] });
    expect(guard.step(gone(C), DEFAULT_GUARD, 1_000)).toEqual({ held: [A, B, C], unheld: [] });
    expect(guard.step(gone(D), DEFAULT_GUARD, 2_000)).toEqual({ held: [D], unheld: [] });
    expect(guard.step([[A, 'serve']], DEFAULT_GUARD, 3_000)).toEqual({ held: [], unheld: [A] });
    expect(guard.step([], DEFAULT_GUARD, 121_000)).toEqual({ held: [], unheld: [B, C] });
    expect(guard.step([], DEFAULT_GUARD, 121_999)).toEqual({ held: [], unheld: [] });
    expect(guard.step([], DEFAULT_GUARD, 122_000)).toEqual({ held: [], unheld: [D] });
  });

  it('decides from changes alone as it decides from everything', () => {
    const history = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 30_000 }),
        fc.uniqueArray(fc.tuple(someAddress, fc.constantFrom<Intent>('serve', 'serve', 'drain', 'keep')), {
          maxLength: 6,
          selector: ([address]) => address,
        }),
      ),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(history, (steps) => {
        const [told, toldAll] = [new Guard(), new Guard()];
        const before = new Map<Address, Intent>();
        let now = 0;
        for (const [wait, registered] of steps) {
          now += wait;
          const intents = new Map(registered);
          const changes = SOME_ADDRESSES.filter((address) => before.get(address) !== intents.get(address));
          told.step(
            changes.map((address) => [address, intents.get(address)] as const),
            DEFAULT_GUARD,
            now,
          );
          toldAll.step(
            SOME_ADDRESSES.map((each) => [each, intents.get(each)] as const),
            DEFAULT_GUARD,
            now,
          );
          expect(told.held).toEqual(toldAll.held);
          expect(inGrace(told, now)).toEqual(inGrace(toldAll, now));
          before.clear();
          for (const [address, intent] of intents) before.set(address, intent);
        }
      }),
    );
  });

  it('never holds what is registered, and holds nothing for longer than `hold` or `grace` after it vanished', () => {
    const history = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 30_000 }), fc.uniqueArray(someAddress, { maxLength: 6 })),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(history, (steps) => {
        const guard = new Guard();
        let now = 0;
        const lastSeen = new Map<Address, number>();
        for (const [wait, registered] of steps) {
          // A server was registered until the step before this one.
          for (const address of guard.members) lastSeen.set(address, now + wait);
          now += wait;
          run([[now, registered]], guard);
          expectBounds(guard, registered, now, lastSeen);
        }
      }),
    );
  });
});

function expectBounds(
  guard: Guard,
  registered: readonly Address[],
  now: number,
  lastSeen: ReadonlyMap<Address, number>,
): void {
  const vanished = (address: Address) => lastSeen.get(address) ?? 0;
  for (const [address, until] of guard.held) {
    expect(registered).not.toContain(address);
    expect(until).toBeGreaterThan(now);
    expect(until - vanished(address)).toBeLessThanOrEqual(DEFAULT_GUARD.hold);
  }
  for (const address of inGrace(guard, now)) {
    expect(registered).not.toContain(address);
    expect(now - vanished(address)).toBeLessThan(DEFAULT_GUARD.grace);
  }
}
