/**
 * `npm run test:faults:bad-release -- [--devices N] [--rate N]`: a release that one board in ten cannot boot is rolled out to a
 * fleet that asks two NGINX. It has to halt by itself, everywhere within a second, before one device in a hundred is offered
 * it beyond the limit of failures; the fix has to reach every device that runs it, and the counts have to be those of the
 * devices. With 10,000 devices it takes about six minutes.
 */
import { parseArgs } from 'node:util';
import { becomeOwner, removeOwned, removeOwnedOnExit } from '../../support/containers/owner.js';
import { type BadReleaseReport, badRelease, LIMIT } from '../../support/firmware-site/bad-release.js';
import { FirmwareSite } from '../../support/firmware-site/site.js';
import { type Ledger, openLedger } from '../../support/report/ledger.js';
import { elapsed, print, say } from '../../support/report/narrator.js';
import { printEntries, printResult } from '../../support/report/summary.js';

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
  print(`${devices} devices, ${values.rate} questions a second`);
  const site = await FirmwareSite.start({ hosts: 3, gateways: 2 });
  const spec = { devices, checksPerSecond: Number(values.rate), size: 65_536, tell: say };
  const report = await badRelease(site, spec);
  await site.close();
  await removeOwned();
  const ledger = judge(report, devices);
  for (const [what, times] of report.fleet.failures) print(`FAILED ${times} x ${what}`);
  printEntries(ledger.entries);
  print(`\nthe halt took ${report.excess.haltTook.toFixed(0)} ms`);
  printResult(ledger.isGood(), elapsed());
  return ledger.isGood();
}

function judge({ fleet, truth, shown, excess, ...report }: BadReleaseReport, devices: number): Ledger {
  const ledger = openLedger();
  ledger.atLeast('outcomes at the halt', report.outcomes, LIMIT.min);
  ledger.atMost('devices offered it beyond the limit', (100 * excess.devices) / devices, 1, '%');
  ledger.atMost('from the outcome to the last offer', excess.haltTook, 1_000, 'ms');
  for (const outcome of ['offered', 'downloaded', 'booted', 'failed'] as const) {
    ledger.exactly(`counted as ${outcome}, of what devices did`, shown[outcome], truth[outcome]);
  }
  ledger.atLeast('devices that ran the bad release', report.affected, 1);
  ledger.exactly('of these, devices that still do', report.stillBad, 0);
  ledger.atLeast('devices that run the fix', report.fixed, report.affected);
  ledger.exactly('answers that nothing explains', fleet.failed(), 0);
  return ledger;
}

process.exitCode = (await main()) ? 0 : 1;
