import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { exercise, sidekickOf, untilServing } from '../cluster.js';
import { type Host, NODES, on, property } from '../hosts.js';
import { type Chapter, noCuts, noFailures, type Stage, secondsSince } from '../stage.js';
import { runLogged } from '../vagrant.js';

const VERSION = '0.1.0+upgrade';

function unitsOf(host: Host): string[] {
  if (host === 'lb') return ['sidekick-watch'];
  return [sidekickOf('firmware', host), sidekickOf('mqtt', host)];
}

async function upgrade(host: Host): Promise<void> {
  const units = unitsOf(host);
  const before = await Promise.all(units.map((unit) => property(host, unit, 'MainPID')));
  const packages = host === 'lb' ? 'sidekick*.deb' : 'sidekick_*.deb';
  await on(host, 'sh', '-c', `dpkg --install --force-confold /srv/cluster/packages/${packages}`);
  for (const [i, unit] of units.entries()) {
    await until(`${unit} runs the new version`, async () => {
      const [pid, state] = await Promise.all([
        property(host, unit, 'MainPID'),
        property(host, unit, 'ActiveState'),
      ]);
      return pid !== before[i] && state === 'active';
    });
  }
  await untilServing(NODES);
}

async function play(stage: Stage): Promise<void> {
  await runLogged('node', 'docker/host/prepare.mjs', `--version=${VERSION}`);
  const begun = performance.now();
  for (const host of [...NODES, 'lb'] as const) {
    const from = performance.now();
    await upgrade(host);
    say(`${host} is upgraded, in ${secondsSince(from).toFixed(1)} s`);
  }
  const versions = await Promise.all(
    [...NODES, 'lb' as const].map((host) => on(host, 'dpkg', '--status', 'sidekick')),
  );
  stage.ledger.exactly(
    'hosts with the new version',
    versions.filter((status) => status.includes(`Version: ${VERSION}\n`)).length,
    4,
  );
  await exercise('node1');
  say('what was upgraded works: a server was drained, removed and added again');
  await stage.mqtt.untilHeard();
  await noFailures(stage, 'rolling upgrade', begun);
  noCuts(stage, 'rolling upgrade', begun);
}

/** Every host is upgraded, one after the other, under load. */
export const upgradeAll: Chapter = { title: 'all hosts are upgraded, one after the other', play };
