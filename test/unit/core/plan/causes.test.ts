import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import type { Cause } from '../../../../src/core/cause.js';
import type { DesiredServer } from '../../../../src/core/desired.js';
import { plan } from '../../../../src/core/plan.js';
import {
  A,
  B,
  C,
  DOWN,
  type Given,
  has,
  input,
  OUT_LONG,
  REGISTERED,
  WEIGHING_TWO,
  wants,
} from '../support/plan.js';

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
