import { expect } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import type { Cause } from '../../../../src/core/cause.js';
import type { DesiredServer } from '../../../../src/core/desired.js';
import type { DrainClock } from '../../../../src/core/drain.js';
import {
  type Action,
  byAddress,
  type Call,
  IMMUTABLE_PARAMETERS,
  type Plan,
  type PlanInput,
} from '../../../../src/core/plan.js';
import type { ActualServer } from '../../../../src/core/ports.js';
import { DEFAULT_PARAMETERS, type ServerParameters } from '../../../../src/core/server-parameters.js';
import type { Kind } from '../../../../src/core/upstream.js';
import { actualServers, desiredServers, SOME_ADDRESSES, someAddress } from '../../../support/arbitraries.js';
import { fc } from '../../../support/property.js';

export const [A, B, C, D] = SOME_ADDRESSES as [Address, Address, Address, Address];
export const LIMITS = { timeout: 30_000, settle: 250 };
export const NOW = 1_000_000;

export type Given = Omit<Partial<PlanInput>, 'actual'> & { readonly actual?: readonly ActualServer[] };

export function input({ actual = [], ...overrides }: Given): PlanInput {
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

export function wants(
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
export function callsOf({ actions }: Pick<Plan, 'actions'>): Call[] {
  return actions.map((action) => {
    const { cause, ...call } = action;
    expect(cause).toHaveProperty('kind');
    return call;
  });
}

export function has(id: number, address: Address, server: Partial<ActualServer> = {}): ActualServer {
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

export const REGISTERED: Cause = { kind: 'registered', revision: 7 };
export const DOWN = { ...DEFAULT_PARAMETERS, down: true };
export const WEIGHING_TWO = { parameters: { ...DEFAULT_PARAMETERS, weight: 2 } };
export const OUT_LONG: DrainClock = { since: NOW - 10_000, outOfRotationSince: NOW - 9_000 };
export const OVERDUE: DrainClock = { since: NOW - 30_000, outOfRotationSince: NOW - 29_000 };

/** What NGINX makes of the actions. */
export function apply(
  kind: Kind,
  actual: readonly ActualServer[],
  actions: readonly Action[],
): ActualServer[] {
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

/** Any moment, clocks of drains under way included. */
export const moment = fc.record({
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
