import { say } from '../../support/report/narrator.js';
import { sidekickOf, unitOf } from '../cluster.js';
import { type Host, NODES, on } from '../hosts.js';
import type { Chapter, Stage } from '../stage.js';

/** What `systemd-analyze security` may give at most, of 10. */
const MOST_EXPOSED = { sidekick: 2.0, firmware: 2.0, gateway: 2.3 };

function unitsOf(host: Host): string[] {
  if (host === 'lb') {
    return ['loadbalancer.service', 'loadbalancer-logrotate.service', 'sidekick-watch.service'];
  }
  const units = (['firmware', 'mqtt'] as const).flatMap((service) => [
    unitOf(service, host),
    sidekickOf(service, host),
  ]);
  return units.map((unit) => `${unit}.service`);
}

async function exposure(host: Host, unit: string): Promise<number> {
  const output = await on(host, 'systemd-analyze', 'security', '--no-pager', unit);
  const level = /exposure level for .*: ([\d.]+)/.exec(output)?.[1];
  if (level === undefined) throw new Error(`systemd-analyze gives no exposure level for ${unit}`);
  return Number(level);
}

async function play({ ledger }: Stage): Promise<void> {
  const hosts: readonly Host[] = [...NODES, 'lb'];
  for (const host of hosts) {
    // It fails where it finds anything wrong.
    await on(host, 'systemd-analyze', 'verify', '--man=no', ...unitsOf(host));
    const failed = await on(host, 'systemctl', 'list-units', '--failed', '--plain', '--no-legend');
    ledger.exactly(`${host}: failed units`, failed === '' ? 0 : failed.split('\n').length, 0);
  }
  say('systemd-analyze verify finds nothing wrong with the units of any host');
  ledger.atMost(
    'exposure of a sidekick',
    await exposure('node1', 'sidekick@firmware@1.service'),
    MOST_EXPOSED.sidekick,
    'of 10',
  );
  ledger.atMost(
    'exposure of a firmware server',
    await exposure('node1', 'firmware@1.service'),
    MOST_EXPOSED.firmware,
    'of 10',
  );
  ledger.atMost(
    'exposure of the watcher',
    await exposure('lb', 'sidekick-watch.service'),
    MOST_EXPOSED.sidekick,
    'of 10',
  );
  ledger.atMost(
    'exposure of the gateway',
    await exposure('lb', 'loadbalancer.service'),
    MOST_EXPOSED.gateway,
    'of 10',
  );
}

/** The units, as systemd itself judges them. */
export const units: Chapter = { title: 'systemd looks at the units', play };
