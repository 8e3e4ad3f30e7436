import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import type { DesiredServer } from '../../../src/core/desired.js';
import {
  applyHealthChecks,
  DEFAULT_HEALTH_POLICY,
  type Health,
  nextHealth,
  UNKNOWN_HEALTH,
} from '../../../src/core/health.js';
import type { ActualServer } from '../../../src/core/ports.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import { fc } from '../../support/property.js';

const policy = { rise: 2, fall: 3 };

function statusAfter(...probes: boolean[]): Health['status'] {
  return probes.reduce((health, probe) => nextHealth(health, probe, policy), UNKNOWN_HEALTH).status;
}

describe('nextHealth', () => {
  it('adopts the result of the first probe', () => {
    expect(statusAfter(true)).toBe('healthy');
    expect(statusAfter(false)).toBe('unhealthy');
  });

  it('needs `fall` failures in a row to become unhealthy', () => {
    expect(statusAfter(true, false, false)).toBe('healthy');
    expect(statusAfter(true, false, false, false)).toBe('unhealthy');
    expect(statusAfter(true, false, false, true, false, false)).toBe('healthy');
  });

  it('needs `rise` successes in a row to become healthy', () => {
    expect(statusAfter(false, true)).toBe('unhealthy');
    expect(statusAfter(false, true, true)).toBe('healthy');
    expect(statusAfter(false, true, false, true)).toBe('unhealthy');
  });

  it('changes only after a run of probes that contradict it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 2 }),
        fc.integer({ min: 1, max: 5 }),
        (probes, threshold) => {
          const symmetric = { rise: threshold, fall: threshold };
          let health = nextHealth(UNKNOWN_HEALTH, probes[0] ?? true, symmetric);
          let run = 0;
          for (const probe of probes.slice(1)) {
            const agrees = probe === (health.status === 'healthy');
            run = agrees ? 0 : run + 1;
            const next = nextHealth(health, probe, symmetric);
            expect(next.status !== health.status).toBe(run >= threshold);
            if (next.status !== health.status) run = 0;
            health = next;
          }
        },
      ),
    );
  });
});

describe('DEFAULT_HEALTH_POLICY', () => {
  it('agrees with the documents', () => {
    expect(DEFAULT_HEALTH_POLICY).toEqual({ interval: 5000, timeout: 2000, rise: 2, fall: 3 });
  });
});

describe('applyHealthChecks', () => {
  const A = '10.0.0.1:80' as Address;
  const B = '10.0.0.2:80' as Address;
  const DOWN = { ...DEFAULT_PARAMETERS, down: true };

  function wants(address: Address, intent: DesiredServer['intent'] = 'serve'): DesiredServer {
    return {
      address,
      intent,
      parameters: DEFAULT_PARAMETERS,
      requests: [],
      cause: { kind: 'registered', revision: 1 },
    };
  }

  function has(address: Address, server: Partial<ActualServer>): readonly ActualServer[] {
    const parameters = DEFAULT_PARAMETERS;
    return [{ id: 0, address, parameters, draining: false, active: 0, failing: false, ...server }];
  }

  /** Whether A and B are wanted down; B is healthy, so that there is always one that serves. */
  function downOf(
    status: Health['status'],
    { a = wants(A), actual = [] }: { a?: DesiredServer; actual?: readonly ActualServer[] } = {},
  ): boolean[] {
    const desired = new Map([a, wants(B)].map((server) => [server.address, server]));
    const inNginx = new Map(actual.length > 0 ? [[A, actual]] : []);
    const checked = applyHealthChecks({ desired, actual: inNginx }, (address) =>
      address === A ? status : 'healthy',
    );
    expect([...checked.values()]).toEqual([checked.get(A), checked.get(B)]);
    return [A, B].map((address) => checked.get(address)?.parameters.down === true);
  }

  it('marks a server down that fails its probes, and no other', () => {
    expect(downOf('unhealthy')).toEqual([true, false]);
    expect(downOf('healthy')).toEqual([false, false]);
  });

  it('leaves a server that was not probed yet as it is in NGINX', () => {
    expect(downOf('unknown')).toEqual([false, false]);
    expect(downOf('unknown', { actual: has(A, {}) })).toEqual([false, false]);
    expect(downOf('unknown', { actual: has(A, { parameters: DOWN }) })).toEqual([true, false]);
    expect(downOf('unknown', { actual: has(A, { parameters: DOWN, draining: true }) })).toEqual([
      false,
      false,
    ]);
    expect(downOf('healthy', { actual: has(A, { parameters: DOWN }) })).toEqual([false, false]);
  });

  it('changes nothing about a server that is to be drained', () => {
    expect(downOf('unhealthy', { a: wants(A, 'drain') })).toEqual([false, false]);
  });

  it('leaves out an address that is not registered', () => {
    const checked = applyHealthChecks({ desired: new Map(), actual: new Map() }, () => 'unhealthy');
    expect(checked.get(A)).toBeUndefined();
    expect([...checked.values()]).toEqual([]);
  });

  it('ignores probes that would leave no server up', () => {
    const desired = new Map([A, B].map((address) => [address, wants(address)]));
    expect(applyHealthChecks({ desired, actual: new Map() }, () => 'unhealthy')).toBe(desired);
    const draining = new Map([[A, wants(A, 'drain')]]);
    expect(applyHealthChecks({ desired: draining, actual: new Map() }, () => 'unhealthy')).not.toBe(draining);
  });
});
