import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import type { Cause } from '../../../src/core/cause.js';
import type { DesiredServer } from '../../../src/core/desired.js';
import type { DrainClock } from '../../../src/core/drain.js';
import {
  type Action,
  actionKey,
  byAddress,
  type Call,
  IMMUTABLE_PARAMETERS,
  isOut,
  type Plan,
  type PlanInput,
  plan,
} from '../../../src/core/plan.js';
import type { ActualServer } from '../../../src/core/ports.js';
import {
  DEFAULT_PARAMETERS,
  differences,
  type ServerParameters,
} from '../../../src/core/server-parameters.js';
import type { Kind } from '../../../src/core/upstream.js';
import { actualServers, desiredServers, SOME_ADDRESSES, someAddress } from '../../support/arbitraries.js';
import { fc } from '../../support/property.js';

const [A, B, C, D] = SOME_ADDRESSES as [Address, Address, Address, Address];
const LIMITS = { timeout: 30_000, settle: 250 };
const NOW = 1_000_000;

type Given = Omit<Partial<PlanInput>, 'actual'> & { readonly actual?: readonly ActualServer[] };

function input({ actual = [], ...overrides }: Given): PlanInput {
  return {
    kind: 'http',
    desired: new Map(),
    actual: byAddress(actual),
    held: new Set(),
    drains: new Map(),
    limits: LIMITS,
    immutable: IMMUTABLE_PARAMETERS,
    now: NOW,
    ...overrides,
  };
}

function wants(
  ...servers: [Address, DesiredServer['intent'], Partial<ServerParameters>?][]
): ReadonlyMap<Address, DesiredServer> {
  return new Map(
    servers.map(([address, intent, parameters]) => [
      address,
      {
        address,
        intent,
        parameters: { ...DEFAULT_PARAMETERS, ...parameters },
        requests: [],
        cause: REGISTERED,
      },
    ]),
  );
}

/** The calls of a plan, without why they are made. */
function callsOf({ actions }: Pick<Plan, 'actions'>): Call[] {
  return actions.map((action) => {
    const { cause, ...call } = action;
    expect(cause).toHaveProperty('kind');
    return call;
  });
}

function has(id: number, address: Address, server: Partial<ActualServer> = {}): ActualServer {
  return {
    id,
    address,
    parameters: DEFAULT_PARAMETERS,
    draining: false,
    active: 0,
    failing: false,
    ...server,
  };
}

const REGISTERED: Cause = { kind: 'registered', revision: 7 };
const DOWN = { ...DEFAULT_PARAMETERS, down: true };
const WEIGHING_TWO = { parameters: { ...DEFAULT_PARAMETERS, weight: 2 } };
const OUT_LONG: DrainClock = { since: NOW - 10_000, outOfRotationSince: NOW - 9_000 };
const OVERDUE: DrainClock = { since: NOW - 30_000, outOfRotationSince: NOW - 29_000 };

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
    const desired = wants([SOME_ADDRESSES[2] as Address, 'serve'], [B, 'serve', { weight: 3 }]);
    const actual = [has(0, A, { failing: true }), has(1, B), has(2, SOME_ADDRESSES[3] as Address)];
    const types = plan(input({ desired, actual })).actions.map(({ type }) => type);
    expect(types).toEqual(['add', 'update', 'drain', 'remove']);
  });
});

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

/** What NGINX makes of the actions. */
function apply(kind: Kind, actual: readonly ActualServer[], actions: readonly Action[]): ActualServer[] {
  let next = Math.max(-1, ...actual.map(({ id }) => id)) + 1;
  let servers = [...actual];
  for (const action of actions) {
    if (action.type === 'add') {
      const { address, parameters } = action;
      servers.push(has(next++, address, { parameters }));
      continue;
    }
    if (action.type === 'remove') {
      servers = servers.filter(({ id }) => id !== action.id);
      continue;
    }
    servers = servers.map((server) => {
      if (server.id !== action.id) return server;
      if (action.type === 'drain') {
        return kind === 'http'
          ? { ...server, draining: true }
          : { ...server, parameters: { ...server.parameters, down: true } };
      }
      const draining = action.changes.down === undefined && server.draining;
      return { ...server, draining, parameters: { ...server.parameters, ...action.changes } };
    });
  }
  return servers;
}

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

/** Any moment, clocks of drains under way included. */
const moment = fc.record({
  kind: fc.constantFrom<Kind>('http', 'stream'),
  desired: desiredServers,
  actual: actualServers,
  held: fc.uniqueArray(someAddress, { maxLength: 2 }).map((held) => new Set(held)),
  drains: fc
    .uniqueArray(fc.tuple(someAddress, fc.constantFrom(OUT_LONG, OVERDUE, { since: NOW - 100 })), {
      selector: ([address]) => address,
    })
    .map((entries) => new Map<Address, DrainClock>(entries)),
  zoneFull: fc.boolean(),
});

describe('a plan', () => {
  it('never removes a registered server without a drain: of its copies one stays', () => {
    fc.assert(
      fc.property(moment, (given) => {
        const { actions } = plan(input(given));
        const after = apply(given.kind, given.actual, actions);
        for (const { address, intent } of given.desired.values()) {
          if (intent === 'drain' || !given.actual.some((server) => server.address === address)) continue;
          expect(after.some((server) => server.address === address)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never takes the last server out of rotation while one should serve, even if every add and update fails', () => {
    fc.assert(
      fc.property(moment, (given) => {
        const { actions } = plan(input(given));
        const serving = (servers: readonly ActualServer[]) =>
          servers.filter((server) => !isOut(server)).length;
        const taking = actions.filter(({ type }) => type === 'drain' || type === 'remove');
        const wanted = [...given.desired.values()].some(
          ({ intent, parameters }) => intent === 'serve' && !parameters.down,
        );
        if (!wanted || serving(given.actual) === 0) return;
        expect(serving(apply(given.kind, given.actual, taking))).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('never touches what the guard holds, except to put back what it had drained, and to remove copies', () => {
    fc.assert(
      fc.property(moment, (given) => {
        for (const action of plan(input(given)).actions) {
          if (!given.held.has(action.address) || given.desired.has(action.address)) continue;
          if (action.type === 'remove') expect(action.reason).toBe('duplicate');
          else expect(action).toMatchObject({ type: 'update', changes: { down: false } });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never names one server in two actions', () => {
    fc.assert(
      fc.property(moment, (given) => {
        const ids = plan(input(given)).actions.flatMap((action) =>
          action.type === 'add' ? [] : [action.id],
        );
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 300 },
    );
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

describe('the cause of a call', () => {
  const IN_SYNC = { inSyncRevision: 7 };
  const lease = { kind: 'lease-ended' } as const;
  const health = (address: Address) => (address === A ? ('healthy' as const) : ('unhealthy' as const));
  const both = wants([A, 'serve'], [B, 'serve']);
  const withCause = (intent: DesiredServer['intent'], cause: Cause) =>
    new Map([...wants([A, intent])].map(([address, server]) => [address, { ...server, cause }]));

  it.each<[string, Given, Cause]>([
    [
      'two servers with one address',
      { desired: wants([A, 'serve']), actual: [has(0, A), has(1, A)] },
      { kind: 'duplicate' },
    ],
    ['what etcd said of one that is gone', { actual: [has(0, A)], goneCause: () => lease }, lease],
    [
      'what etcd said of one that is gone and fails',
      { actual: [has(0, A, { failing: true })], goneCause: () => lease },
      lease,
    ],
    [
      'nothing known of one that is gone',
      { actual: [has(0, A)], goneCause: () => undefined },
      { kind: 'not-registered' },
    ],
    ['nothing said of any that is gone', { actual: [has(0, A)] }, { kind: 'not-registered' }],
    [
      'the guard that puts one back',
      {
        actual: [has(0, A, { draining: true })],
        held: new Set([A]),
        drains: new Map([[A, OUT_LONG]]),
        goneCause: () => lease,
      },
      { kind: 'guard' },
    ],
    ['a registration, where the group was never in sync', { desired: wants([A, 'serve']) }, REGISTERED],
    ['a registration of later than that', { desired: wants([A, 'serve']), inSyncRevision: 6 }, REGISTERED],
    [
      'NGINX, where etcd has not changed since',
      { desired: wants([A, 'serve']), ...IN_SYNC },
      { kind: 'nginx-changed' },
    ],
    [
      'a cause without a revision at any time',
      { desired: withCause('serve', { kind: 'operator-unhold' }), ...IN_SYNC },
      { kind: 'operator-unhold' },
    ],
    [
      'a request to drain of long ago',
      {
        desired: withCause('drain', { kind: 'drain-requested', revision: 3 }),
        actual: [has(0, A)],
        ...IN_SYNC,
      },
      { kind: 'drain-requested', revision: 3 },
    ],
    [
      'a probe that failed, and why',
      {
        desired: both,
        actual: [has(0, A), has(1, B)],
        health,
        probeError: (address) => `no answer of ${address}`,
      },
      { kind: 'probe-failed', error: `no answer of ${B}` },
    ],
    [
      'a probe that failed, although nobody knows why',
      { desired: both, actual: [has(0, A), has(1, B)], health, ...IN_SYNC },
      { kind: 'probe-failed' },
    ],
    [
      'a probe that passes again',
      {
        desired: both,
        actual: [has(0, A, { parameters: DOWN }), has(1, B, { parameters: DOWN })],
        health,
        ...IN_SYNC,
      },
      { kind: 'probe-passed' },
    ],
    [
      'a registration that is newer than the probe that passes',
      { desired: both, actual: [has(0, A, { parameters: DOWN }), has(1, B, { parameters: DOWN })], health },
      REGISTERED,
    ],
    [
      'NGINX, where a server is up again that no probe speaks of',
      { desired: wants([A, 'serve']), actual: [has(0, A, { parameters: DOWN })], ...IN_SYNC },
      { kind: 'nginx-changed' },
    ],
    [
      'NGINX, where a healthy server has other parameters',
      {
        desired: both,
        actual: [has(0, A, WEIGHING_TWO), has(1, B, { parameters: DOWN })],
        health,
        ...IN_SYNC,
      },
      { kind: 'nginx-changed' },
    ],
    [
      'NGINX, where a healthy server is not down as registered',
      {
        desired: wants([A, 'serve', { down: true }], [C, 'serve']),
        actual: [has(0, A), has(1, C)],
        health: () => 'healthy',
        ...IN_SYNC,
      },
      { kind: 'nginx-changed' },
    ],
    [
      'NGINX, where a server that fails its probes and is down has other parameters',
      {
        desired: both,
        actual: [has(0, A), has(1, B, { parameters: { ...DOWN, weight: 2 } })],
        health,
        ...IN_SYNC,
      },
      { kind: 'nginx-changed' },
    ],
  ])('is %s', (_, given, cause) => {
    expect(plan(input(given)).actions.map((action) => action.cause)).toEqual([cause]);
  });
});
