/** A fleet of devices updates while its firmware servers leave, die, lose their files and come back. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dice } from '../../support/dice.js';
import { FirmwareSite } from '../../support/firmware-site/site.js';
import { summary, updateUnderFaults } from '../../support/firmware-site/update.js';

const SEED = 15;
const HOSTS = 3;

describe('a fleet whose firmware servers fail at random', () => {
  let site: FirmwareSite;

  beforeAll(async () => {
    site = await FirmwareSite.start({ hosts: HOSTS });
  }, 300_000);
  afterAll(async () => {
    await site?.close();
  });

  it('never gets a 404 or a wrong byte for what it was offered, and has the release in the end', async () => {
    const spec = { devices: 200, checksPerSecond: 100, size: 65_536, duration: 10_000, tell: () => {} };
    const report = await updateUnderFaults(site, spec, new Dice(SEED));
    process.stdout.write(`seed ${SEED}: ${summary(report)}\n`);
    expect(report.fleet.failures).toEqual(new Map());
    expect(report.struck.length).toBeGreaterThan(0);
  }, 600_000);
});
