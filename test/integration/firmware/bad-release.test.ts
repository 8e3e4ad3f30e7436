/** A release that one board in ten cannot boot. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badRelease } from '../../support/firmware-site/bad-release.js';
import { FirmwareSite } from '../../support/firmware-site/site.js';

const DEVICES = 500;

describe('a release that one board in ten cannot boot', () => {
  let site: FirmwareSite;

  beforeAll(async () => {
    site = await FirmwareSite.start({ hosts: 2 });
  }, 300_000);
  afterAll(async () => {
    await site?.close();
  });

  it('halts by itself, is counted exactly, and its fix reaches those that run it', async () => {
    const spec = { devices: DEVICES, checksPerSecond: 50, size: 32_768, tell: () => {} };
    const report = await badRelease(site, spec);
    expect(report.fleet.failures).toEqual(new Map());
    expect(report.reason).toMatch(/failed or were lost .*the limit is 2 %/);
    expect(report.shown).toEqual(report.truth);
    expect(report.truth.failed).toBeGreaterThan(0);
    // The second phase, which is everybody, has not begun.
    expect(report.truth.offered).toBeLessThan(DEVICES * 0.3);
    expect([report.affected > 0, report.stillBad]).toEqual([true, 0]);
    // Everyone else gets the fix by cohort, of which the first phase has one in a hundred.
    expect(report.fixed).toBeLessThan(report.affected + DEVICES * 0.05);
  }, 600_000);
});
