import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { servers } from '../cluster.js';
import { on } from '../hosts.js';
import { type Chapter, noCuts, noFailures, type Stage } from '../stage.js';

async function workers(): Promise<string> {
  return await on('lb', 'pgrep', '-fx', 'nginx: worker process');
}

async function play(stage: Stage): Promise<void> {
  const [begun, before] = [performance.now(), await workers()];
  await on('lb', 'gateway-keepalive', 'now');
  await until('other workers serve', async () => {
    const now = await workers();
    return now !== '' && now.split('\n').every((pid) => !before.split('\n').includes(pid));
  });
  const kept = await on('lb', 'cat', '/run/sidekick-gateway/kept.map');
  const missing = (await servers('firmware')).filter(({ server }) => !kept.includes(`${server} `));
  say('gateway-keepalive now: NGINX keeps connections to the firmware servers open');
  stage.ledger.exactly('keepalive: servers without kept connections', missing.length, 0);
  await noFailures(stage, 'keepalive', begun);
  noCuts(stage, 'keepalive', begun);
}

/** The load balancer begins to keep connections to its servers open. */
export const keepalive: Chapter = { title: 'connections to the servers are kept open', play };
