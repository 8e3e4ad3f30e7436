import { describe, expect, it } from 'vitest';
import { decodeMaintenance, describeMaintenance, encodeMaintenance } from '../../../src/core/maintenance.js';
import { HARMFUL, hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';

const REQUEST = { by: 'root@lb1', at: '2026-01-31T12:00:00.000Z', reason: 'new disk' };

describe('a maintenance key', () => {
  it('contains who asked, when and why, and is read back', () => {
    expect(decodeMaintenance(encodeMaintenance(REQUEST))).toEqual(REQUEST);
    expect(describeMaintenance(REQUEST)).toBe('by root@lb1 at 2026-01-31T12:00:00.000Z: new disk');
  });

  it('needs no reason', () => {
    expect(encodeMaintenance({ by: 'root' })).toBe('{"by":"root"}');
  });

  it.each(['{}', '', 'null', '[]', '7', 'soon', '{"by":7,"at":"never","reason":""}', '{"by":'])(
    'counts as a request without any of that: %s',
    (value) => {
      expect(decodeMaintenance(value)).toEqual({});
      expect(describeMaintenance({})).toBe('');
    },
  );

  it('limits the length of a reason', () => {
    const { reason } = JSON.parse(encodeMaintenance({ reason: 'x'.repeat(1000) })) as { reason: string };
    expect(reason).toHaveLength(200);
  });

  it('accepts a time of up to 40 characters, and nothing but text', () => {
    const at = (value: unknown) => decodeMaintenance(JSON.stringify({ at: value })).at;
    const long = `Sat, 31 Jan 2026 12:00:00 GMT (${'x'.repeat(8)})`;
    expect(long).toHaveLength(40);
    expect(at(long)).toBe(REQUEST.at);
    expect(at(`${long} `)).toBeUndefined();
    expect(at([REQUEST.at])).toBeUndefined();
  });

  it('accepts a value of up to 4096 characters', () => {
    const padded = (length: number) => JSON.stringify({ by: 'root' }).padEnd(length);
    expect(decodeMaintenance(padded(4096))).toEqual({ by: 'root' });
    expect(decodeMaintenance(padded(4097))).toEqual({});
  });

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
