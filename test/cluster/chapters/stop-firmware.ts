import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { createdAt, endedAt, keyOf, serverOf, servers, stoppedAt, untilServing } from '../cluster.js';
import { NODES, on } from '../hosts.js';
import { type Chapter, noCuts, noFailures, type Stage, secondsSince } from '../stage.js';

async function play(stage: Stage): Promise<void> {
  const { http, ledger } = stage;
  await until('node2 sends a download', () => http.isSending('node2'));
  const begun = performance.now();
  const stopped = on('node2', 'systemctl', 'stop', 'firmware@2');
  await until('the server drains', async () => (await serverOf('firmware', 'node2'))?.drain === true);
  say('systemctl stop firmware@2: its server drains in NGINX, while downloads run to their end');
  await stopped;
  say(`it has stopped after ${secondsSince(begun).toFixed(1)} s`);
  ledger.exactly(
    'firmware servers in NGINX when systemctl stop returned',
    (await servers('firmware')).length,
    2,
  );
  ledger.exactly(
    'keys of it in etcd',
    (await createdAt('node1', keyOf('firmware', 'node2'))) === undefined ? 0 : 1,
    0,
  );
  const order = (await stoppedAt('node2', 'firmware@2')) - (await endedAt('node2', 'sidekick@firmware@2'));
  ledger.atLeast('µs from the end of the sidekick to the stop of its backend', order, 0);

  const started = performance.now();
  await on('node2', 'systemctl', 'start', 'firmware@2');
  await untilServing(NODES);
  await until('node2 serves', () => http.servedSince('node2', started));
  say(`systemctl start firmware@2: it serves again after ${secondsSince(started).toFixed(1)} s`);
  await noFailures(stage, 'firmware@2 stopped and started', begun);
  noCuts(stage, 'firmware@2 stopped and started', begun);
}

/** A firmware server is stopped and started, as an operator does it. */
export const stopFirmware: Chapter = { title: 'firmware@2 is stopped and started', play };
