import { until } from '../../support/containers/until.js';
import { plural, say } from '../../support/report/narrator.js';
import { serverOf, servers, untilServing } from '../cluster.js';
import { NODES, on } from '../hosts.js';
import { DRAIN, nameBroker } from '../mqtt-traffic.js';
import { type Chapter, noFailures, type Stage, secondsSince } from '../stage.js';

async function play(stage: Stage): Promise<void> {
  const { mqtt, ledger } = stage;
  const sessions = mqtt.on('node2');
  ledger.atLeast('MQTT sessions on node2', sessions.length, 2);
  const begun = performance.now();
  const stopped = on('node2', 'systemctl', 'stop', 'mqtt-broker@2');
  await until('the server drains', async () => (await serverOf('mqtt', 'node2'))?.down === true);
  say(`systemctl stop mqtt-broker@2: its server drains, with ${plural(sessions.length, 'session')} open`);
  await mqtt.untilHeard(sessions);
  say('all of them still carry messages');
  // One of them moves by itself: it must come out on another broker.
  const [mover] = sessions;
  if (!mover) throw new Error('no session on node2');
  await mover.leave();
  await mover.start();
  ledger.exactly('new sessions on the draining broker', mover.broker === 'node2' ? 1 : 0, 0);
  await stopped;
  const early = mqtt.cutsSince(begun).filter(({ at }) => at - begun < DRAIN * 1000);
  ledger.exactly('sessions cut before their drain time was over', early.length, 0);
  ledger.exactly('MQTT servers in NGINX when systemctl stop returned', (await servers('mqtt')).length, 2);
  await mqtt.untilSettled('node2');
  const others = mqtt.cutsSince(begun).filter(({ broker }) => broker !== 'node2');
  ledger.exactly('sessions cut on the other brokers', others.length, 0);
  say(`it has stopped after ${secondsSince(begun).toFixed(1)} s; its devices are on the other brokers`);

  await on('node2', 'systemctl', 'start', 'mqtt-broker@2');
  await nameBroker('node2');
  await untilServing(NODES);
  // The API lists a server a moment before the answer that says that it is used.
  const isBack = await until('the device is back on its broker', async () => {
    await mover.leave();
    await mover.start();
    return mover.broker === 'node2';
  }).catch(() => false);
  ledger.exactly('device that is back on its broker, by its ClientId', isBack ? 1 : 0, 1);
  await noFailures(stage, 'mqtt-broker@2 stopped and started', begun);
}

/** A broker with open sessions is stopped and started. */
export const stopBroker: Chapter = {
  title: 'mqtt-broker@2, with open sessions, is stopped and started',
  play,
};
