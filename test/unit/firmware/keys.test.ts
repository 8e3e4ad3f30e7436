import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES as PREFIXES } from '../../../src/core/keys.js';
import {
  areOutcomesAlone,
  groupKey,
  logKey,
  outcomesKey,
  parseFirmwareKey,
  releaseKey,
  rolloutKey,
  typeKey,
} from '../../../src/firmware/keys.js';
import { hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';
import { groupName, releaseId, typeName } from './support/arbitraries.js';

describe('a key of firmware', () => {
  it('is as documented', () => {
    expect(typeKey(PREFIXES, 'esp32-cam')).toBe('/sidekick/firmware/esp32-cam/type');
    expect(releaseKey(PREFIXES, 'esp32-cam', '1.3.0')).toBe('/sidekick/firmware/esp32-cam/releases/1.3.0');
    expect(rolloutKey(PREFIXES, 'esp32-cam')).toBe('/sidekick/firmware/esp32-cam/rollout');
    expect(groupKey(PREFIXES, 'esp32-cam', 'beta')).toBe('/sidekick/firmware/esp32-cam/groups/beta');
    expect(typeKey(PREFIXES, 'esp32-cam@eu')).toBe('/sidekick/firmware/esp32-cam@eu/type');
    expect(logKey(PREFIXES, 'esp32-cam', 4711)).toBe('/sidekick/firmware/esp32-cam/log/0000000000004711');
  });

  it('reads back unchanged', () => {
    fc.assert(
      fc.property(typeName, groupName, releaseId, fc.nat(), (type, group, version, revision) => {
        expect(parseFirmwareKey(PREFIXES, typeKey(PREFIXES, type))).toEqual({
          ok: true,
          value: { type, kind: 'type' },
        });
        expect(parseFirmwareKey(PREFIXES, rolloutKey(PREFIXES, type))).toEqual({
          ok: true,
          value: { type, kind: 'rollout' },
        });
        expect(parseFirmwareKey(PREFIXES, groupKey(PREFIXES, type, group))).toEqual({
          ok: true,
          value: { type, kind: 'group', group },
        });
        expect(parseFirmwareKey(PREFIXES, releaseKey(PREFIXES, type, version))).toEqual({
          ok: true,
          value: { type, kind: 'release', version },
        });
        expect(parseFirmwareKey(PREFIXES, logKey(PREFIXES, type, revision))).toEqual({
          ok: true,
          value: { type, kind: 'log', revision },
        });
      }),
    );
    const outcomes = outcomesKey(PREFIXES, 'a', '0123456789abcdef');
    expect(outcomes).toBe('/sidekick/firmware/a/outcomes/0123456789abcdef');
    expect(parseFirmwareKey(PREFIXES, outcomes)).toEqual({
      ok: true,
      value: { type: 'a', kind: 'outcomes', epoch: '0123456789abcdef' },
    });
  });

  it.each([
    ['/services/firmware/a', 'key must begin with /sidekick/firmware/'],
    ['/sidekick/firmware/', 'type must be'],
    ['/sidekick/firmware/../type', 'type must be'],
    ['/sidekick/firmware/a b/type', 'type must be'],
    ['/sidekick/firmware/a', 'key must name'],
    ['/sidekick/firmware/a/', 'key must name'],
    ['/sidekick/firmware/a/releases', 'key must name'],
    ['/sidekick/firmware/a/other/1.3.0', 'key must name'],
    ['/sidekick/firmware/a/type/x', 'key must name'],
    ['/sidekick/firmware/a/releases/1.3', 'normal spelling'],
    ['/sidekick/firmware/a/releases/v1.3.0', 'normal spelling'],
    ['/sidekick/firmware/a/releases/', 'normal spelling'],
    ['/sidekick/firmware/a/groups/-', 'group must be'],
    ['/sidekick/firmware/a/log/12', '16 digits'],
    ['/sidekick/firmware/a/log/00000000000000012', '16 digits'],
    ['/sidekick/firmware/a/log/0000000000000012x', '16 digits'],
    ['/sidekick/firmware/a/outcomes/lb1', '16 hex digits'],
    ['/sidekick/firmware/a/releases/1.3.0/x', 'too many parts'],
  ])('is refused as %s', (key, reason) => {
    expect(parseFirmwareKey(PREFIXES, key)).toEqual({
      ok: false,
      reason: expect.stringContaining(reason) as string,
    });
  });

  it('is told from others where nothing but outcomes has changed', () => {
    const outcomes = outcomesKey(PREFIXES, 'a', '0123456789abcdef');
    const isAlone = (...keys: readonly string[]) => areOutcomesAlone(PREFIXES, new Set(keys));
    expect([isAlone(), isAlone(outcomes)]).toEqual([false, true]);
    expect(isAlone(outcomes, rolloutKey(PREFIXES, 'a'))).toBe(false);
    expect(isAlone('/services/firmware/a')).toBe(false);
  });

  it('never throws when it is read', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        for (const key of [text, `/sidekick/firmware/${text}`, `/sidekick/firmware/a/releases/${text}`]) {
          parseFirmwareKey(PREFIXES, key);
        }
      }),
    );
  });
});
