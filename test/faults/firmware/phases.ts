/**
 * `npm run test:faults:phases -- [--devices N] [--seed S]`: a release without faults walks through its phases by itself, while
 * watchers and firmware servers are killed, etcd freezes and NGINX is reloaded at random. No phase may be skipped, doubled or
 * early, and every device has to be counted once.
 */
import { parseArgs } from 'node:util';
import { becomeOwner, removeOwned, removeOwnedOnExit } from '../../support/containers/owner.js';
import { Dice } from '../../support/dice.js';
import { WANTED_PHASES, walkThroughPhases } from '../../support/firmware-site/phases.js';
import { FirmwareSite } from '../../support/firmware-site/site.js';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
});

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
becomeOwner();
removeOwnedOnExit();

async function main(): Promise<boolean> {
  const dice = new Dice(Number(values.seed));
  const devices = Number(values.devices);
  console.log(`seed ${dice.seed}, ${devices} devices`);
  const site = await FirmwareSite.start(3, 2);
  const spec = {
    ...{ devices, checksPerSecond: 50, size: 65_536, after: Math.ceil(devices / 40) },
    tell: (line: string) => console.log(line),
  };
  const { fleet, struck, begun, early, tooSoon, booted } = await walkThroughPhases(site, spec, dice);
  await site.close();
  await removeOwned();
  console.log(
    `${struck.length} incidents; phases ${begun.join(', ')} %; early: ${early.join('; ') || 'none'}`,
  );
  console.log(`devices that had it too soon: ${tooSoon}; counted as booted: ${booted} of ${devices}`);
  for (const [what, times] of fleet.failures) console.log(`FAILED ${times} x ${what}`);
  const walked = JSON.stringify(begun) === JSON.stringify(WANTED_PHASES) && early.length === 0;
  return walked && tooSoon === 0 && booted === devices && fleet.failures.size === 0;
}

process.exitCode = (await main()) ? 0 : 1;
