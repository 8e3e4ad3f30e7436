import { describe, expect, it } from 'vitest';
import { CHIP_NAMES, chipByName } from '../../../src/firmware/chips.js';
import { families, ownManifest } from '../../../src/firmware/shared/esphome.js';

describe('the manifest of what an ESPHome device runs', () => {
  it('has a build for every chip that firmware is for', () => {
    const ours = CHIP_NAMES.map((name) => chipByName(name)?.family);
    expect(new Set(families())).toEqual(new Set(ours));
    const { builds } = JSON.parse(ownManifest('toaster', '1.2.0')) as { builds: { chipFamily: string }[] };
    expect(builds.map(({ chipFamily }) => chipFamily)).toEqual(families());
  });

  it('names the version as the device says it, whatever that is', () => {
    const version = '1"},{"\\\n';
    expect(JSON.parse(ownManifest('toaster', version))).toMatchObject({ name: 'toaster', version });
  });
});
