import { say } from '../../support/report/narrator.js';
import { untilServing } from '../cluster.js';
import { on } from '../hosts.js';
import { type Chapter, noFailures, type Stage } from '../stage.js';

/** What a purged package must not leave behind, one line each. */
const LEFTOVERS = `
find /etc /usr /var/lib -xdev -name '*sidekick*' -not -path '/var/lib/dpkg/*'
systemctl list-units --all --plain --no-legend 'sidekick@*'
systemctl list-units --failed --plain --no-legend
getent passwd sidekick || true`;

async function play(stage: Stage): Promise<void> {
  const begun = performance.now();
  await on('node3', 'apt-get', 'purge', '--assume-yes', 'sidekick');
  say('apt-get purge sidekick on node3: its backends were drained before the program went');
  await untilServing(['node1', 'node2']);
  const left = await on('node3', 'sh', '-c', LEFTOVERS);
  if (left !== '') say(`left behind: ${left}`);
  stage.ledger.exactly('purged: things left behind', left === '' ? 0 : left.split('\n').length, 0);
  await noFailures(stage, 'purged', begun);
}

/** The package is taken from a host whose backends are in use. */
export const purge: Chapter = { title: 'sidekick is purged from node3', play };
