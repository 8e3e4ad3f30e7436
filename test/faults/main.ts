/**
 * `npm run test:faults -- [--runs N] [--seed S] [--ttl MS] [--only TEXT]`: a registrar and a reader on a cluster of three
 * etcd members that suffers every fault of the list, in an order and with timings of chance. After each of them the key
 * must be right within one TTL of etcd's return and stay so, and the reader must show what etcd has.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectEtcd } from '../../src/adapters/etcd/connect.js';
import { startNetwork } from '../support/containers/index.js';
import { becomeOwner, removeOwned, removeOwnedOnExit } from '../support/containers/owner.js';
import { Dice } from '../support/dice.js';
import { Recorder } from '../support/recorder.js';
import { run, serviceSpec } from '../support/registrar/harness.js';
import type { Line } from '../support/silent.js';
import { Cluster } from './cluster.js';
import { FAULTS, type Fault, type World } from './faults.js';
import { judge, type FaultResult } from './judge.js';
import { report } from './report.js';
import { Witness } from './witness.js';

const KEY = '/services/firmware/10.0.0.1:8080';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
    ttl: { type: 'string', default: '5000' },
    only: { type: 'string', default: '' },
  },
});

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
becomeOwner();
removeOwnedOnExit();

async function main(): Promise<boolean> {
  const dice = new Dice(Number(values.seed));
  const ttl = Number(values.ttl);
  console.log(`seed ${dice.seed}, TTL ${ttl} ms, ${values.runs} run(s)`);
  const cluster = await Cluster.start(await startNetwork('sidekick-faults'));
  const etcd = connectEtcd({ endpoints: cluster.endpoints, requestTimeout: 1000 });
  const witness = new Witness(etcd, KEY);
  const reader = new Recorder();
  const end = new AbortController();
  const subject = run({ etcd: { endpoints: cluster.fronts }, services: [serviceSpec()], leaseTtl: ttl });
  const background = Promise.all([
    witness.run(end.signal),
    subject.etcd.reader.watch(['/services/'], reader, end.signal),
  ]);
  const world: World = { cluster, etcd, key: KEY, ttl, dice };
  const results: FaultResult[] = [];
  const faults = FAULTS.filter(({ name }) => name.includes(values.only));
  await settle(ttl);
  for (let round = 1; round <= Number(values.runs); round++) {
    for (const fault of dice.shuffle(faults))
      results.push(await suffer(fault, world, witness, reader, subject.log, round));
  }
  const alive = subject.registrar.status().phase === 'running';
  await subject.stop();
  end.abort();
  await background;
  etcd.close();
  await cluster.close();
  await removeOwned();
  return report(results, alive, subject.log);
}

async function suffer(
  fault: Fault,
  world: World,
  witness: Witness,
  reader: Recorder,
  log: { readonly lines: readonly Line[] },
  round: number,
): Promise<FaultResult> {
  const { cluster, ttl, dice } = world;
  await delay(dice.between(0, ttl / 2));
  const struck = Date.now();
  await fault.strike(world);
  const mended = Date.now();
  await cluster.answers();
  const returned = Date.now();
  await cluster.healthy();
  // One TTL to become right, one and a half to stay so: a key under a lease that nobody keeps alive would go.
  await settle(2.5 * ttl);
  const result = judge({
    fault,
    round,

    mended,
    returned,
    ttl,
    looks: witness.since(struck),
    shown: reader.last,
  });
  const { toRight, lapse, problem } = result;
  console.log(
    `run ${round}: ${fault.name}: ${problem ?? 'ok'} (right ${toRight ?? '-'} ms after etcd's return, missing for ${lapse} ms, took ${mended - struck} ms)`,
  );
  if (problem) for (const line of log.lines.filter(({ at }) => at >= struck)) tell(line, struck);
  return result;
}

/** A line of the registrar's log, with its time since the fault began. */
function tell({ at, level, fields }: Line, struck: number): void {
  console.log(`    +${at - struck} ms ${level} ${JSON.stringify(fields)}`);
}

async function settle(ms: number): Promise<void> {
  await delay(ms);
}

process.exitCode = (await main()) ? 0 : 1;
