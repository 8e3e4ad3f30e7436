/**
 * `npm run test:faults:firmware -- [--minutes N] [--devices N] [--hosts N] [--seed S]`: a fleet updates to one release after
 * another while its firmware servers leave, die, lose their files and come back. No device may get a 404 or a wrong byte for
 * what it was offered, and each has the last release in the end.
 */
import { parseArgs } from 'node:util';
import { becomeOwner, removeOwned, removeOwnedOnExit } from '../../support/containers/owner.js';
import { Dice } from '../../support/dice.js';
import { FirmwareSite } from '../../support/firmware-site/site.js';
import { summary, updateUnderFaults } from '../../support/firmware-site/update.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    devices: { type: 'string', default: '1000' },
    hosts: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
});

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
becomeOwner();
removeOwnedOnExit();

async function main(): Promise<boolean> {
  const dice = new Dice(Number(values.seed));
  console.log(
    `seed ${dice.seed}, ${values.devices} devices, ${values.hosts} hosts, ${values.minutes} minutes`,
  );
  const site = await FirmwareSite.start({ hosts: Number(values.hosts) });
  const spec = {
    ...{ devices: Number(values.devices), checksPerSecond: 100, size: 262_144 },
    duration: Number(values.minutes) * 60_000,
    tell: (line: string) => console.log(line),
  };
  const report = await updateUnderFaults(site, spec, dice);
  await site.close();
  await removeOwned();
  console.log(summary(report));
  for (const [what, times] of report.fleet.failures) console.log(`FAILED ${times} x ${what}`);
  return report.fleet.failures.size === 0;
}

process.exitCode = (await main()) ? 0 : 1;
