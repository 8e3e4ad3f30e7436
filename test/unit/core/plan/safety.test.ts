import { describe, expect, it } from 'vitest';
import { isOut, plan } from '../../../../src/core/plan.js';
import type { ActualServer } from '../../../../src/core/ports.js';
import { fc } from '../../../support/property.js';
import { apply, input, moment } from '../support/plan.js';

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
