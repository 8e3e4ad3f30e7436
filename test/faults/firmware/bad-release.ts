/**
 * `npm run test:faults:bad-release -- [--devices N] [--rate N]`: a release that one board in ten cannot boot is rolled out to a
 * fleet. It has to halt by itself, before one device in a hundred is offered it beyond the limit of failures; the fix has to
 * reach every device that runs it, and the counts have to be those of the devices.
 */
import { parseArgs } from 'node:util';
import { becomeOwner, removeOwned, removeOwnedOnExit } from '../../support/containers/owner.js';
import { badRelease } from '../../support/firmware-site/bad-release.js';
import { FirmwareSite } from '../../support/firmware-site/site.js';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '10000' },
    /** Questions a second. */
    rate: { type: 'string', default: '150' },
  },
});

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
becomeOwner();
removeOwnedOnExit();

async function main(): Promise<boolean> {
  const devices = Number(values.devices);
  const site = await FirmwareSite.start(3);
  const spec = {
    ...{ devices, checksPerSecond: Number(values.rate), size: 65_536 },
    tell: (line: string) => console.log(line),
  };
  const { fleet, truth, shown, late, lastAfter, affected, stillBad, fixed } = await badRelease(site, spec);
  await site.close();
  await removeOwned();
  console.log(`what became of them: ${JSON.stringify(truth)}; counted: ${JSON.stringify(shown)}`);
  console.log(
    `offered beyond the limit: ${late} of ${devices}, the last ${lastAfter.toFixed(0)} ms after it`,
  );
  console.log(`ran the bad release: ${affected}; still do: ${stillBad}; run the fix: ${fixed}`);
  for (const [what, times] of fleet.failures) console.log(`FAILED ${times} x ${what}`);
  return [
    fleet.failures.size === 0,
    JSON.stringify(truth) === JSON.stringify(shown),
    late < devices / 100,
    affected > 0 && stillBad === 0,
  ].every(Boolean);
}

process.exitCode = (await main()) ? 0 : 1;
