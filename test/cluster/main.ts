/**
 * `npm run test:cluster [-- --keep] [-- --only=<title>]`: the cluster of the Vagrantfile, brought up with the docker
 * provider, broken on purpose under real traffic, and taken down. Exits 0 only when everything was as it had to be.
 */
import { writeFile } from 'node:fs/promises';
import { inspect, parseArgs } from 'node:util';
import { until } from '../support/containers/until.js';
import { openLedger } from '../support/report/ledger.js';
import { announce, bold, elapsed, print, red, say } from '../support/report/narrator.js';
import { printSummary, printResult } from '../support/report/summary.js';
import { confinement } from './chapters/confinement.js';
import { drill } from './chapters/drill.js';
import { lookAtFiles } from './chapters/files.js';
import { firmwareServers } from './chapters/firmware.js';
import { followDocuments } from './chapters/follow-documents.js';
import { keepalive } from './chapters/keepalive.js';
import { isolateNode, suspendNode } from './chapters/lose-node.js';
import { tryPackages } from './chapters/packages.js';
import { crashBackend, freezeWatcher, killSidekick, stopLeader } from './chapters/processes.js';
import { purge } from './chapters/purge.js';
import { rebootLoadBalancer, rebootNode } from './chapters/reboot.js';
import { reload } from './chapters/reload.js';
import { stopBroker } from './chapters/stop-broker.js';
import { stopFirmware } from './chapters/stop-firmware.js';
import { tls } from './chapters/tls.js';
import { units } from './chapters/units.js';
import { upgradeAll } from './chapters/upgrade.js';
import { untilServing } from './cluster.js';
import { addressOf, killAll, logsOf, NODES, removeLeftovers } from './hosts.js';
import { HttpTraffic } from './http-traffic.js';
import { MqttTraffic } from './mqtt-traffic.js';
import { type Chapter, playAll } from './stage.js';
import { vagrant } from './vagrant.js';

const REQUESTS_PER_SECOND = 60;
const DEVICES = 30;

const STORY: readonly Chapter[] = [
  units,
  confinement,
  tls,
  stopFirmware,
  stopBroker,
  reload,
  keepalive,
  killSidekick,
  crashBackend,
  suspendNode,
  isolateNode,
  drill,
  stopLeader,
  freezeWatcher,
  firmwareServers,
  rebootNode,
  rebootLoadBalancer,
  upgradeAll,
  purge,
  followDocuments,
];

/** Saves the hosts' logs in build/, for whoever has to find out what happened. */
async function keepLogs(): Promise<void> {
  for (const host of [...NODES, 'lb'] as const) {
    const logs = await logsOf(host).catch((error: unknown) => inspect(error));
    await writeFile(new URL(`../../build/cluster-${host}.log`, import.meta.url), `${logs}\n`);
  }
  say('the logs of the hosts are in build/cluster-<host>.log');
}

async function destroy(): Promise<void> {
  await killAll();
  await vagrant('destroy', '--force');
  await removeLeftovers();
}

async function takeDown(): Promise<void> {
  say('the cluster is taken down');
  await destroy();
}

async function bringUp(): Promise<void> {
  announce(2, 'vagrant up --provider=docker');
  await destroy();
  await vagrant('up', '--provider=docker');
  say('four hosts are up: systemd, etcd with TLS and users, the backends, the gateway');
  await untilServing(NODES);
  say('all servers are in NGINX');
}

async function run(only: string | undefined): Promise<boolean> {
  const stage = {
    http: new HttpTraffic(`http://${addressOf('lb')}`),
    mqtt: new MqttTraffic(),
    ledger: openLedger(),
  };
  const begun = performance.now();
  stage.http.start(REQUESTS_PER_SECOND);
  await stage.mqtt.start(DEVICES);
  await until('traffic on all nodes', () => NODES.every((node) => stage.http.servedSince(node, begun)));
  await stage.http.settle();
  try {
    await playAll(only === undefined ? STORY : STORY.filter(({ title }) => title.includes(only)), stage);
  } finally {
    await stage.mqtt.stop();
    await stage.http.stop();
  }
  stage.ledger.atLeast('HTTP requests in all', stage.http.requests, 100);
  printSummary(stage.ledger);
  return stage.ledger.isGood();
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      keep: { type: 'boolean', default: false },
      up: { type: 'boolean', default: true },
      only: { type: 'string' },
    },
    allowNegative: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void takeDown().finally(() => process.exit(130)));
  }
  let good = false;
  try {
    if (values.up) {
      announce(1, 'Before there are hosts');
      await lookAtFiles();
      await tryPackages();
      await bringUp();
    }
    good = await run(values.only);
  } catch (error) {
    print(`\n${red('The story broke off:')} ${inspect(error)}`);
  }
  if (!good) await keepLogs();
  if (values.keep) print(`\n${bold('The cluster is left up:')} vagrant ssh lb, vagrant destroy --force`);
  else await takeDown();
  printResult(good, elapsed());
  return good ? 0 : 1;
}

process.exit(await main());
