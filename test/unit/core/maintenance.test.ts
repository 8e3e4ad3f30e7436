import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMaintenance, describeMaintenance, encodeMaintenance } from '../../../src/core/maintenance.js';
import { HARMFUL, hostileText } from '../../support/hostile.js';

const REQUEST = { by: 'root@lb1', at: '2026-01-31T12:00:00.000Z', reason: 'new disk' };

describe("an operator's request", () => {
  it('says who asked, when and why, and is read back', () => {
    expect(decodeMaintenance(encodeMaintenance(REQUEST))).toEqual(REQUEST);
    expect(describeMaintenance(REQUEST)).toBe('by root@lb1 at 2026-01-31T12:00:00.000Z: new disk');
  });

  it.each(['{}', '', 'null', '[]', '7', 'soon', '{"by":7,"at":"never","reason":""}', '{"by":'])(
    'that says nothing counts all the same: %s',
    (value) => {
      expect(decodeMaintenance(value)).toEqual({});
      expect(describeMaintenance({})).toBe('');
    },
  );

  it('never throws and shows nothing harmful or long, whoever wrote it', () => {
    fc.assert(
      fc.property(hostileText, fc.anything(), (text, anything) => {
        for (const value of [
          text,
          encodeMaintenance({ by: text, at: text, reason: text }),
          JSON.stringify(anything),
        ]) {
          const shown = describeMaintenance(decodeMaintenance(value ?? ''));
          expect(shown).not.toMatch(HARMFUL);
          expect(shown).not.toContain('\n');
          expect(shown.length).toBeLessThan(500);
        }
      }),
    );
    expect(decodeMaintenance(`{"reason":${'['.repeat(500_000)}`)).toEqual({});
    expect(decodeMaintenance(`{"reason":${'['.repeat(2000)}${']'.repeat(2000)}}`)).toEqual({});
  });
});
