import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { serverOf, sidekickOf } from '../cluster.js';
import { on, property } from '../hosts.js';
import { type Chapter, noFailures, type Stage } from '../stage.js';

const FILE = '/etc/sidekick/firmware@1.yaml';
const UNIT = sidekickOf('firmware', 'node1');

async function untilWeight(weight: number): Promise<void> {
  await on('node1', 'systemctl', 'reload', UNIT);
  await until(
    `weight ${weight} in NGINX`,
    async () => (await serverOf('firmware', 'node1'))?.weight === weight,
  );
}

async function play(stage: Stage): Promise<void> {
  const [begun, pid] = [performance.now(), await property('node1', UNIT, 'MainPID')];
  await on('node1', 'sh', '-c', `echo 'weight: 3' >> ${FILE}`);
  await untilWeight(3);
  say('systemctl reload of a sidekick: its new weight is in NGINX');
  await on('node1', 'sed', '-i', '/^weight: 3$/d', FILE);
  await untilWeight(1);
  stage.ledger.exactly('reloaded: restarts', (await property('node1', UNIT, 'MainPID')) === pid ? 0 : 1, 0);
  await noFailures(stage, 'reloaded', begun);
}

/** A sidekick is given another configuration while it runs. */
export const reload: Chapter = { title: 'a sidekick is reloaded', play };
