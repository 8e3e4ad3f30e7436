/**
 * `npm run demo [-- --keep]`: the system on real traffic, told step by step. Exits 0 only when nothing was lost.
 * `--keep` leaves the cluster up and says how to reach it.
 */
import { parseArgs } from 'node:util';
import { type Cluster, firmwareOrigin, startCluster, startStage } from '../support/containers/cluster.js';
import {
  keepWhatIsStarted,
  removeOwned,
  removeOwnedOnExit,
  removeStale,
} from '../support/containers/owner.js';
import { openLedger } from '../support/report/ledger.js';
import { announce, bold, elapsed, print, red, say } from '../support/report/narrator.js';
import { printSummary, printResult } from '../support/report/summary.js';
import { expectNoLoss } from '../support/traffic/expectations.js';
import { createHttpLoad } from '../support/traffic/http-load.js';
import { createMqttLoad } from '../support/traffic/mqtt-load.js';
import { Access } from './firmware-access.js';
import { build, FirmwareSide, TYPE } from './firmware-side.js';
import { play } from './story.js';

const REQUESTS_PER_SECOND = 250;
/** How much of the watcher's log is shown when the story breaks off. */
const WATCHER_LINES = 15;

function printHowToReach({ network, gateway, etcd }: Cluster, { files }: Access): void {
  const ota = `${firmwareOrigin(gateway)}/ota?type=${TYPE}&version=1.2.0`;
  print(`\n${bold('The cluster is left up.')}`);
  print(`  devices       curl --cacert ${files.ca} '${ota}'`);
  print(`  firmware      ${gateway.httpUrl}/esp32-1.0.1.bin`);
  print(`  MQTT          127.0.0.1:${gateway.mqttPort}`);
  print(`  NGINX API     ${gateway.api}/9/http/upstreams`);
  print(`  etcd          ${etcd.url} (docker exec ${network.name}-etcd etcdctl get --prefix /services/)`);
  print(`  the watcher   docker logs -f ${network.name}-watcher`);
  print(`  to remove it  docker rm -fv $(docker ps -aq --filter label=sidekick.network=${network.name})`);
  print(`                docker network rm ${network.name}`);
}

async function run(access: Access): Promise<{ cluster: Cluster; good: boolean }> {
  print(
    `\n${bold('Firmware servers and MQTT brokers come and go behind NGINX, and nobody who uses them notices.')}`,
  );
  announce(1, 'The cluster starts');
  const network = await startStage();
  say(`a network of its own: ${network.name}`);
  say('an authority of its own has issued the certificates of the gateway and of the upload listeners');
  const cluster = await startCluster(network, { firmware: access.cluster });
  say('etcd, the gateway (open-source NGINX that speaks the NGINX Plus API) and a watcher are up');
  const expectations = expectNoLoss();
  const firmware = new FirmwareSide(cluster, access, build('1.2.0'), expectations);
  const ledger = openLedger();
  const mqtt = createMqttLoad(cluster.gateway.mqttPort, expectations);
  const http = createHttpLoad(cluster.gateway.httpUrl, REQUESTS_PER_SECOND, expectations);
  try {
    await play({ cluster, http, mqtt, firmware, expectations, ledger });
  } catch (error) {
    print(`\n${bold('The last the watcher said')}`);
    for (const line of cluster.watcher.container.logs.lines.slice(-WATCHER_LINES)) print(`  ${line}`);
    throw error;
  }
  printSummary(ledger);
  printResult(ledger.isGood(), elapsed());
  return { cluster, good: ledger.isGood() };
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
  await removeStale();
  if (values.keep) keepWhatIsStarted();
  const callOff = removeOwnedOnExit();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      print(`\n${signal}: removing the cluster`);
      process.exit(130);
    });
  }
  const access = new Access();
  if (!values.keep) process.once('exit', () => access[Symbol.dispose]());
  const { cluster, good } = await run(access);
  if (values.keep) {
    callOff();
    printHowToReach(cluster, access);
  } else {
    await removeOwned();
  }
  return good ? 0 : 1;
}

try {
  process.exit(await main());
} catch (error) {
  print(
    `\n${red('The demonstration broke off:')} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  process.exit(1);
}
