/**
 * `npm run test:faults:phases -- [--devices N] [--every S] [--seed S]`: a release without faults walks through its phases by
 * itself, while watchers, members of etcd, NGINX and firmware servers are killed at random. No phase may be skipped, doubled
 * or early, and every device has to be counted once. It takes about five minutes, and nine where the machine is busy.
 */
import { parseArgs } from 'node:util';
import { becomeOwner, removeOwned, removeOwnedOnExit } from '../../support/containers/owner.js';
import { Dice } from '../../support/dice.js';
import { type PhasesReport, WANTED_PHASES, walkThroughPhases } from '../../support/firmware-site/phases.js';
import { FirmwareSite } from '../../support/firmware-site/site.js';
import { type Ledger, openLedger } from '../../support/report/ledger.js';
import { elapsed, print, say } from '../../support/report/narrator.js';
import { printEntries, printResult } from '../../support/report/summary.js';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '1000' },
    /** The least time between two phases, in s. */
    every: { type: 'string', default: '15' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
});

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
becomeOwner();
removeOwnedOnExit();

async function main(): Promise<boolean> {
  const dice = new Dice(Number(values.seed));
  const devices = Number(values.devices);
  print(`seed ${dice.seed}, ${devices} devices, at least ${values.every} s in each phase`);
  const site = await FirmwareSite.start({ hosts: 3, watchers: 2, etcdMembers: 3 });
  const spec = {
    ...{ devices, checksPerSecond: 50, size: 65_536, after: Math.ceil(devices / 40) },
    ...{ every: Number(values.every), tell: say },
  };
  const report = await walkThroughPhases(site, spec, dice);
  await site.close();
  await removeOwned();
  const ledger = judge(report, devices);
  for (const line of report.early) print(`EARLY ${line}`);
  for (const [what, times] of report.fleet.failures) print(`FAILED ${times} x ${what}`);
  for (const [what, times] of report.fleet.expectedFailures) print(`  as expected, ${times} x ${what}`);
  printEntries(ledger.entries);
  print(`\nseed ${dice.seed}`);
  printResult(ledger.isGood(), elapsed());
  return ledger.isGood();
}

function judge(
  { fleet, struck, begun, logged, early, tooSoon, shown }: PhasesReport,
  devices: number,
): Ledger {
  const ledger = openLedger();
  const wanted = WANTED_PHASES.length;
  const isWalk = (phases: readonly number[]) => JSON.stringify(phases) === JSON.stringify(WANTED_PHASES);
  ledger.atLeast('incidents of the site', struck[0]?.length ?? 0, 1);
  ledger.atLeast('incidents of firmware servers', struck[1]?.length ?? 0, 1);
  ledger.exactly(`phases, in their order (${begun.join(', ')} %)`, isWalk(begun) ? begun.length : -1, wanted);
  ledger.exactly(`phases in the log (${logged.join(', ')} %)`, isWalk(logged) ? logged.length : -1, wanted);
  ledger.exactly('phases before their gate was met', early.length, 0);
  ledger.exactly('devices that had the release before their phase', tooSoon, 0);
  ledger.exactly('devices that run the release', fleet.running().get('1.1.0') ?? 0, devices);
  for (const outcome of ['offered', 'downloaded', 'booted'] as const) {
    ledger.exactly(`devices counted as ${outcome}`, shown[outcome], devices);
  }
  for (const outcome of ['failed', 'lost'] as const) {
    ledger.exactly(`devices counted as ${outcome}`, shown[outcome], 0);
  }
  ledger.exactly('answers that nothing explains', fleet.failed(), 0);
  return ledger;
}

process.exitCode = (await main()) ? 0 : 1;
