import { describe, expect, it } from 'vitest';
import { CHIP_NAMES, chipByName } from '../../../src/firmware/chips.js';
import { ownManifest } from '../../../src/firmware/shared/esphome.js';

describe('the manifest of what an ESPHome device runs', () => {
  it('has a build for every chip that firmware is for', () => {
    const ours = CHIP_NAMES.map((name) => chipByName(name)?.family);
    const { builds } = JSON.parse(ownManifest('toaster', '1.2.0')) as { builds: { chipFamily: string }[] };
    const families = builds.map(({ chipFamily }) => chipFamily);
    expect(new Set(families)).toEqual(new Set(ours));
    expect(new Set(families).size).toBe(families.length);
  });

  it('names the version as the device says it, whatever that is', () => {
    const version = '1"},{"\\\n';
    expect(JSON.parse(ownManifest('toaster', version))).toMatchObject({ name: 'toaster', version });
  });
});
