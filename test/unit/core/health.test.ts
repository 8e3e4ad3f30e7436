import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Health, nextHealth, UNKNOWN_HEALTH } from '../../../src/core/health.js';

const policy = { rise: 2, fall: 3 };

function statusAfter(...probes: boolean[]): Health['status'] {
  return probes.reduce((health, probe) => nextHealth(health, probe, policy), UNKNOWN_HEALTH).status;
}

describe('nextHealth', () => {
  it('believes the first probe', () => {
    expect(statusAfter(true)).toBe('healthy');
    expect(statusAfter(false)).toBe('unhealthy');
  });

  it('needs `fall` failures in a row to be unhealthy', () => {
    expect(statusAfter(true, false, false)).toBe('healthy');
    expect(statusAfter(true, false, false, false)).toBe('unhealthy');
    expect(statusAfter(true, false, false, true, false, false)).toBe('healthy');
  });

  it('needs `rise` successes in a row to be healthy again', () => {
    expect(statusAfter(false, true)).toBe('unhealthy');
    expect(statusAfter(false, true, true)).toBe('healthy');
    expect(statusAfter(false, true, false, true)).toBe('unhealthy');
  });

  it('changes only on a run of probes that speak against it', () => {
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
