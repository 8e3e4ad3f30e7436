import { describe, expect, it } from 'vitest';
import type { DesiredServer } from '../../../../src/core/desired.js';
import { actionKey, type Call, plan } from '../../../../src/core/plan.js';
import { DEFAULT_PARAMETERS } from '../../../../src/core/server-parameters.js';
import {
  A,
  B,
  C,
  callsOf,
  D,
  DOWN,
  type Given,
  has,
  input,
  NOW,
  OUT_LONG,
  OVERDUE,
  WEIGHING_TWO,
  wants,
} from '../support/plan.js';

interface Row {
  readonly name: string;
  readonly given: Given;
  readonly actions: readonly Call[];
}

/** The rows of the table in plan.ts, and of the drain state machine behind it. */
const ROWS: readonly Row[] = [
  {
    name: 'serve, absent: add',
    given: { desired: wants([A, 'serve', { weight: 2 }]) },
    actions: [{ type: 'add', address: A, parameters: { ...DEFAULT_PARAMETERS, weight: 2 } }],
  },
  {
    name: 'serve, the same: nothing',
    given: { desired: wants([A, 'serve']), actual: [has(0, A)] },
    actions: [],
  },
  {
    name: 'serve, other parameters: the difference',
    given: { desired: wants([A, 'serve', { weight: 2, max_conns: 5 }]), actual: [has(0, A)] },
    actions: [{ type: 'update', address: A, id: 0, changes: { weight: 2, max_conns: 5 } }],
  },
  {
    name: 'serve, draining: back in',
    given: { desired: wants([A, 'serve']), actual: [has(0, A, { draining: true })] },
    actions: [{ type: 'update', address: A, id: 0, changes: { down: false } }],
  },
  {
    name: 'serve, stream and down: back in',
    given: { kind: 'stream', desired: wants([A, 'serve']), actual: [has(0, A, { parameters: DOWN })] },
    actions: [{ type: 'update', address: A, id: 0, changes: { down: false } }],
  },
  {
    name: 'serve as down, and down: nothing',
    given: { desired: wants([A, 'serve', { down: true }]), actual: [has(0, A, { parameters: DOWN })] },
    actions: [],
  },
  {
    name: 'serve, another route on stream: nothing, for stream has none',
    given: { kind: 'stream', desired: wants([A, 'serve', { route: 'a' }]), actual: [has(0, A)] },
    actions: [],
  },
  {
    name: 'serve, backup differs: add the new one first',
    given: { desired: wants([A, 'serve', { backup: true }]), actual: [has(0, A)] },
    actions: [{ type: 'add', address: A, parameters: { ...DEFAULT_PARAMETERS, backup: true } }],
  },
  {
    name: 'serve, replaced: the old one drains',
    given: {
      desired: wants([A, 'serve', { backup: true }]),
      actual: [has(0, A), has(1, A, { parameters: { ...DEFAULT_PARAMETERS, backup: true } })],
    },
    actions: [{ type: 'drain', address: A, id: 0 }],
  },
  {
    name: 'serve, replaced, and a copy of the old one: the copy goes at once',
    given: {
      desired: wants([A, 'serve', { backup: true }]),
      actual: [has(0, A), has(1, A), has(2, A, { parameters: { ...DEFAULT_PARAMETERS, backup: true } })],
    },
    actions: [
      { type: 'drain', address: A, id: 0 },
      { type: 'remove', address: A, id: 1, reason: 'duplicate' },
    ],
  },
  {
    name: 'serve, twice: the extra goes, the one that fits stays',
    given: {
      desired: wants([A, 'serve', { weight: 2 }]),
      actual: [has(0, A), has(1, A, { parameters: { ...DEFAULT_PARAMETERS, weight: 2 } })],
    },
    actions: [{ type: 'remove', address: A, id: 0, reason: 'duplicate' }],
  },
  {
    name: 'serve, three times the same: the oldest stays, wherever NGINX lists it',
    given: { desired: wants([A, 'serve']), actual: [has(2, A), has(1, A), has(3, A)] },
    actions: [2, 3].map((id) => ({ type: 'remove', address: A, id, reason: 'duplicate' })),
  },
  {
    name: 'serve, twice, the older as wanted: the other goes',
    given: { desired: wants([A, 'serve', { weight: 2 }]), actual: [has(0, A, WEIGHING_TWO), has(1, A)] },
    actions: [{ type: 'remove', address: A, id: 1, reason: 'duplicate' }],
  },
  {
    name: 'serve, twice, the newer as wanted and listed first: the older goes',
    given: { desired: wants([A, 'serve', { weight: 2 }]), actual: [has(1, A, WEIGHING_TWO), has(0, A)] },
    actions: [{ type: 'remove', address: A, id: 0, reason: 'duplicate' }],
  },
  {
    name: 'serve, twice, and one draining: that one goes',
    given: { desired: wants([A, 'serve']), actual: [has(0, A, { draining: true }), has(1, A)] },
    actions: [{ type: 'remove', address: A, id: 0, reason: 'duplicate' }],
  },
  {
    name: 'keep, twice: the one in rotation stays',
    given: { desired: wants([A, 'keep']), actual: [has(0, A, { draining: true }), has(1, A)] },
    actions: [{ type: 'remove', address: A, id: 0, reason: 'duplicate' }],
  },
  {
    name: 'keep: nothing, whatever it is',
    given: {
      desired: wants([A, 'keep'], [B, 'keep']),
      actual: [has(0, A, { draining: true, failing: true })],
    },
    actions: [],
  },
  {
    name: 'drain, up: drain',
    given: { desired: wants([A, 'drain']), actual: [has(0, A)] },
    actions: [{ type: 'drain', address: A, id: 0 }],
  },
  {
    name: 'drain, just out and idle: wait for what may not be counted yet',
    given: { desired: wants([A, 'drain']), actual: [has(0, A, { draining: true })] },
    actions: [],
  },
  {
    name: 'drain, out for long and idle: remove',
    given: {
      desired: wants([A, 'drain']),
      actual: [has(0, A, { draining: true })],
      drains: new Map([[A, OUT_LONG]]),
    },
    actions: [{ type: 'remove', address: A, id: 0, reason: 'idle' }],
  },
  {
    name: 'drain, out and busy: wait',
    given: {
      desired: wants([A, 'drain']),
      actual: [has(0, A, { draining: true, active: 1 })],
      drains: new Map([[A, OUT_LONG]]),
    },
    actions: [],
  },
  {
    name: 'drain, out and busy at the deadline: remove',
    given: {
      desired: wants([A, 'drain']),
      actual: [has(0, A, { draining: true, active: 1 })],
      drains: new Map([[A, OVERDUE]]),
    },
    actions: [{ type: 'remove', address: A, id: 0, reason: 'expired' }],
  },
  {
    name: 'drain, failing: it may still have sessions, so it drains',
    given: { desired: wants([A, 'drain']), actual: [has(0, A, { failing: true })] },
    actions: [{ type: 'drain', address: A, id: 0 }],
  },
  {
    name: 'gone, up: drain',
    given: { actual: [has(0, A)] },
    actions: [{ type: 'drain', address: A, id: 0 }],
  },
  {
    name: 'gone, failing: remove at once',
    given: { actual: [has(0, A, { failing: true, active: 4 })] },
    actions: [{ type: 'remove', address: A, id: 0, reason: 'failing' }],
  },
  {
    name: 'gone, held: nothing',
    given: { actual: [has(0, A), has(1, B, { failing: true })], held: new Set([A, B]) },
    actions: [],
  },
  {
    name: 'gone and held, but drained by us: back in',
    given: {
      actual: [has(0, A, { draining: true })],
      held: new Set([A]),
      drains: new Map([[A, OUT_LONG]]),
    },
    actions: [{ type: 'update', address: A, id: 0, changes: { down: false } }],
  },
  {
    name: 'gone and held, and out before we looked: as it is',
    given: {
      kind: 'stream',
      actual: [has(0, A, { parameters: DOWN })],
      held: new Set([A]),
      drains: new Map([[A, { since: NOW - 500, outOfRotationSince: NOW - 500 }]]),
    },
    actions: [],
  },
  {
    name: 'drain, the only one that serves, another wanted: the other one first',
    given: { desired: wants([A, 'drain'], [B, 'serve']), actual: [has(0, A)] },
    actions: [{ type: 'add', address: B, parameters: DEFAULT_PARAMETERS }],
  },
  {
    name: 'drain, the other one is still coming back: it first',
    given: { desired: wants([A, 'drain'], [B, 'serve']), actual: [has(0, A), has(1, B, { draining: true })] },
    actions: [{ type: 'update', address: B, id: 1, changes: { down: false } }],
  },
  {
    name: 'all gone or to drain, another wanted that there is no room for: all but one go, that one alive if any is',
    given: {
      desired: wants([B, 'drain'], [C, 'serve']),
      actual: [has(0, A), has(1, B), has(2, D, { failing: true })],
      zoneFull: true,
    },
    actions: [
      { type: 'add', address: C, parameters: DEFAULT_PARAMETERS },
      { type: 'drain', address: A, id: 0 },
      { type: 'remove', address: D, id: 2, reason: 'failing' },
    ],
  },
  {
    name: 'all gone, another wanted that there is no room for: one that does not fail stays, whichever comes first',
    given: {
      desired: wants([C, 'serve']),
      actual: [has(0, A, { failing: true }), has(1, B)],
      zoneFull: true,
    },
    actions: [
      { type: 'add', address: C, parameters: DEFAULT_PARAMETERS },
      { type: 'remove', address: A, id: 0, reason: 'failing' },
    ],
  },
  {
    name: 'one gone, one to drain and past its deadline, no room for another: the one that asked stays',
    given: {
      desired: wants([B, 'drain'], [C, 'serve']),
      actual: [has(0, A), has(1, B)],
      drains: new Map([[B, OVERDUE]]),
      zoneFull: true,
    },
    actions: [
      { type: 'add', address: C, parameters: DEFAULT_PARAMETERS },
      { type: 'drain', address: A, id: 0 },
    ],
  },
  {
    name: 'serve as down, the only one that serves, another wanted: the other one first',
    given: { desired: wants([A, 'serve', { down: true }], [B, 'serve']), actual: [has(0, A)] },
    actions: [{ type: 'add', address: B, parameters: DEFAULT_PARAMETERS }],
  },
  {
    name: 'drain, nothing else is wanted: drain',
    given: { desired: wants([A, 'drain'], [B, 'serve', { down: true }]), actual: [has(0, A)] },
    actions: [
      { type: 'add', address: B, parameters: DOWN },
      { type: 'drain', address: A, id: 0 },
    ],
  },
];

describe('plan', () => {
  it.each(ROWS)('$name', ({ given, actions }) => {
    expect(callsOf(plan(input(given)))).toEqual(actions);
  });

  it('lists the fulfilled requests: those whose address NGINX does not have', () => {
    const desired = wants([A, 'drain'], [B, 'drain'], [C, 'serve'], [D, 'keep']);
    const { drained: out } = plan(input({ desired, actual: [has(0, B)] }));
    expect(out).toEqual(new Map([[A, 0]]));
  });

  it('names a server that goes on serving only where it takes traffic from others', () => {
    const desired = wants([A, 'serve'], [B, 'drain']);
    expect(plan(input({ desired, actual: [has(0, A)] }))).not.toHaveProperty('stillServing');
    expect(plan(input({ desired, actual: [has(0, A), has(1, B)] })).stillServing).toEqual(has(0, A));
  });

  it('names the request by which a server is drained: the newest of its services', () => {
    const requests = [3, 7, 5].map((revision) => ({ service: `service-${revision}`, address: A, revision }));
    const desired = new Map([[A, { ...wants([A, 'drain']).get(A), requests } as DesiredServer]]);
    expect(plan(input({ desired })).drained).toEqual(new Map([[A, 7]]));
  });

  it('adds before it updates, drains and removes', () => {
    const desired = wants([C, 'serve'], [B, 'serve', { weight: 3 }]);
    const actual = [has(0, A, { failing: true }), has(1, B), has(2, D)];
    const types = plan(input({ desired, actual })).actions.map(({ type }) => type);
    expect(types).toEqual(['add', 'update', 'drain', 'remove']);
  });
});

describe('actionKey', () => {
  it.each<[Call, string]>([
    [{ type: 'add', address: A, parameters: DEFAULT_PARAMETERS }, 'add 10.0.0.1:80 '],
    [{ type: 'update', address: A, id: 0, changes: { down: false } }, 'update 10.0.0.1:80 0'],
    [{ type: 'drain', address: A, id: 7 }, 'drain 10.0.0.1:80 7'],
    [{ type: 'remove', address: B, id: 7, reason: 'idle' }, 'remove 10.0.0.2:80 7'],
  ])('turns %j into %j', (call, key) => {
    expect(actionKey(call)).toBe(key);
  });
});
