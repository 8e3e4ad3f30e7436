import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { servers, serving, untilServing } from '../cluster.js';
import { NODES, property, reboot } from '../hosts.js';
import { DRAIN, nameBroker } from '../mqtt-traffic.js';
import { type Chapter, noFailures, type Stage, secondsSince } from '../stage.js';

async function playNode(stage: Stage): Promise<void> {
  const { mqtt } = stage;
  const begun = performance.now();
  await reboot('node3');
  say(`node3 was shut down and booted, in ${secondsSince(begun).toFixed(1)} s`);
  await untilServing(NODES);
  await nameBroker('node3');
  await mqtt.untilSettled();
  say(`everything of it is back after ${secondsSince(begun).toFixed(1)} s`);
  await noFailures(stage, 'node3 rebooted', begun);
  const early = mqtt
    .cutsSince(begun)
    .filter(({ at, broker }) => broker !== 'node3' || at - begun < DRAIN * 1000);
  stage.ledger.exactly('node3 rebooted: sessions cut elsewhere, or before their drain time', early.length, 0);
}

async function playLoadBalancer(stage: Stage): Promise<void> {
  const { http, mqtt, ledger } = stage;
  await http.settle();
  const begun = performance.now();
  await reboot('lb');
  await until('NGINX answers', async () => (await servers('firmware')) !== undefined);
  const answering = performance.now();
  say(`lb was shut down and booted; its API answers after ${secondsSince(begun).toFixed(1)} s`);
  await untilServing(NODES);
  await until(
    'the watcher is ready',
    async () => (await property('lb', 'sidekick-watch', 'ActiveState')) === 'active',
  );
  ledger.atMost('lb rebooted: all servers in NGINX after its API answers', secondsSince(answering), 10, 's');
  const safe = performance.now();
  await mqtt.untilSettled();
  await mqtt.untilHeard();
  ledger.exactly('lb rebooted: nodes serving', (await serving('firmware')).length, NODES.length);
  await noFailures(stage, 'lb rebooted, once it was back', safe);
  ledger.note('lb rebooted: requests lost while it was down', http.failuresSince(begun).length);
}

/** A node is rebooted, gracefully. */
export const rebootNode: Chapter = { title: 'node3 is rebooted', play: playNode };

/** The load balancer is rebooted. */
export const rebootLoadBalancer: Chapter = { title: 'lb is rebooted', play: playLoadBalancer };
