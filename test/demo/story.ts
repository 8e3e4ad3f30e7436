/** The story: what the system is for, step by step, on traffic that never stops. */

import { type Cluster, type Host, LEASE_TTL, STREAM_DRAIN } from '../support/containers/cluster.js';
import { FIRMWARE, type ListedPeer, until } from '../support/containers/index.js';
import { announce, count, elapsed, plural, say } from '../support/report/narrator.js';
import { BEGUN, HALF, offerToAll, PUBLISHED, promote, STOPPED } from './firmware-scenes.js';
import { type Scene, type Stage, waitForServers } from './stage.js';

const DEVICES_AT_FIRST = 120;
const DEVICES_MORE = 40;
const REQUESTS_WANTED = 10_000;
const REQUESTS_TO_SEE_A_SERVER = 100;
/** From NGINX's API answering to every server in it again. */
const SET_AGAIN_WITHIN_S = 2;

type Kind = 'http' | 'stream';

function spreadOf({ mqtt }: Stage): string {
  return [...mqtt.spread()].map(([broker, devices]) => `${broker || 'none'} ${devices}`).join(', ');
}

function sayTraffic({ http, mqtt, firmware: { fleet } }: Stage): void {
  say(
    `so far: ${plural(http.counts.requests, 'request')}, ${count(http.failed())} failed; ` +
      `${plural(fleet.checks, 'question')} for firmware, ${count(fleet.failed())} failed; ` +
      `${plural(mqtt.devices.length, 'MQTT device')}, ${count(mqtt.counts.cut)} cut; ` +
      `${plural(mqtt.counts.received, 'message')}, ${count(mqtt.counts.lost)} lost`,
  );
}

async function waitForRequests({ http }: Stage, more: number): Promise<void> {
  const goal = http.counts.requests + more;
  await until(`${more} more requests`, () => http.counts.requests >= goal, { timeoutMs: 180_000 });
}

async function serversAppear({ cluster }: Stage): Promise<void> {
  say('three firmware servers and three brokers start, each with its sidekick');
  await Promise.all([1, 2, 3].flatMap(() => [cluster.addFirmware(), cluster.addBroker()]));
  await waitForServers(cluster, 'http', ['firmware-1', 'firmware-2', 'firmware-3']);
  await waitForServers(cluster, 'stream', ['broker-1', 'broker-2', 'broker-3']);
  say('the sidekicks have registered them in etcd, and the watcher has put all six into NGINX');
}

async function trafficFlows(stage: Stage): Promise<void> {
  say(
    `${DEVICES_AT_FIRST} MQTT devices connect through the gateway; from now on each sends itself a message a second`,
  );
  await stage.mqtt.add(DEVICES_AT_FIRST);
  say(`they are spread by their ClientId: ${spreadOf(stage)}`);
  say(
    'firmware is fetched without pause, small files, large ones, and some on slow links; every answer is checked',
  );
  stage.http.start();
  await waitForRequests(stage, 1_000);
  await stage.mqtt.roundTrip();
  say(`firmware is served by ${[...stage.http.counts.servedBy.keys()].toSorted().join(', ')}`);
  stage.ledger.exactly('firmware servers that served', stage.http.counts.servedBy.size, 3);
  stage.ledger.exactly('brokers with sessions', stage.mqtt.spread().size, 3);
}

async function scaleUp(stage: Stage): Promise<void> {
  const { cluster, http, mqtt } = stage;
  const before = mqtt.counts.sessions;
  say('a fourth firmware server and a fourth broker start, each with its sidekick');
  await Promise.all([cluster.addFirmware(), cluster.addBroker()]);
  await waitForServers(cluster, 'http', ['firmware-1', 'firmware-2', 'firmware-3', 'firmware-4']);
  await waitForServers(cluster, 'stream', ['broker-1', 'broker-2', 'broker-3', 'broker-4']);
  say(`both are in NGINX; no session was moved; ${DEVICES_MORE} more devices connect`);
  stage.ledger.exactly('sessions moved by the scale-up', mqtt.counts.sessions - before, 0);
  await mqtt.add(DEVICES_MORE);
  await until(
    'firmware-4 serves',
    () => (http.counts.servedBy.get('firmware-4') ?? 0) >= REQUESTS_TO_SEE_A_SERVER,
  );
  await mqtt.roundTrip();
  say(`firmware-4 has served ${REQUESTS_TO_SEE_A_SERVER} requests; devices: ${spreadOf(stage)}`);
  stage.ledger.atLeast('new devices on the new broker', mqtt.on('broker-4').length, 1);
}

// SIGTERM begins the handshake; the sidekick's end says that every watcher has answered.
async function endSidekick({ name, sidekick }: Host): Promise<{ name: string; exitCode: number }> {
  const exited = sidekick.container.exited();
  await sidekick.container.signal('SIGTERM');
  return { name, exitCode: await exited };
}

async function activeOf(cluster: Cluster, kind: Kind, host: Host): Promise<ListedPeer | undefined> {
  const peers = await cluster.gateway.peers(kind, kind === 'http' ? 'firmware' : 'mqtt');
  return peers.find(({ server }) => server === host.backend.address);
}

async function drainFirmware(stage: Stage): Promise<void> {
  const { cluster, ledger, http } = stage;
  const host = cluster.host('firmware-1');
  const servedBefore = http.counts.servedBy.get(host.name) ?? 0;
  say('SIGTERM to the sidekick of firmware-1: no new request goes there, those under way end in peace');
  const ended = endSidekick(host);
  await until('firmware-1 is draining', async () =>
    (await cluster.serverNames('http')).includes('firmware-1 (draining)'),
  );
  const peer = await activeOf(cluster, 'http', host);
  say(`firmware-1 is draining, with ${plural(peer?.active ?? 0, 'request')} under way`);
  ledger.exactly('exit code of the sidekick of firmware-1', (await ended).exitCode, 0);
  await waitForServers(cluster, 'http', ['firmware-2', 'firmware-3', 'firmware-4']);
  const finished = (http.counts.servedBy.get(host.name) ?? 0) - servedBefore;
  await host.backend.container.stop();
  say(
    `it finished ${plural(finished, 'download')}, was taken out, and its sidekick ended; firmware-1 is stopped`,
  );
  sayTraffic(stage);
}

async function drainBroker(stage: Stage): Promise<void> {
  const { cluster, ledger, mqtt } = stage;
  const host = cluster.host('broker-1');
  const devices = mqtt.on(host.name);
  say(
    `SIGTERM to the sidekick of broker-1: its ${plural(devices.length, 'session')} stay, new ones go elsewhere`,
  );
  const ended = endSidekick(host);
  await until('broker-1 is draining', async () =>
    (await cluster.serverNames('stream')).includes('broker-1 (draining)'),
  );
  const cutBefore = mqtt.counts.cut;
  await mqtt.roundTrip(devices);
  say(`broker-1 is draining; sessions never end by themselves, so its drain time of ${STREAM_DRAIN} decides`);
  ledger.exactly('exit code of the sidekick of broker-1', (await ended).exitCode, 0);
  await waitForServers(cluster, 'stream', ['broker-2', 'broker-3', 'broker-4']);
  await mqtt.roundTrip(devices);
  const survivors = mqtt.on(host.name).length;
  say(
    `its server is out of NGINX, and ${survivors} of ${devices.length} sessions live on and carry messages`,
  );
  ledger.exactly('sessions on broker-1 that outlived its server', survivors, devices.length);
  ledger.exactly('sessions cut by the drain', mqtt.counts.cut - cutBefore, 0);
  say('the devices on broker-1 disconnect one after the other, as the protocol has it, and connect again');
  for (const device of devices) {
    await device.leave();
    await device.connect();
  }
  await host.backend.container.stop();
  say(`broker-1 had no session left and is stopped; devices: ${spreadOf(stage)}`);
  sayTraffic(stage);
}

async function hostDies(stage: Stage): Promise<void> {
  const { cluster, mqtt, expectations } = stage;
  const dead = [cluster.host('firmware-2'), cluster.host('broker-2')];
  const devices = mqtt.on('broker-2');
  await offerToAll(stage);
  say('firmware-2 and broker-2 are killed with their sidekicks: no handshake, no goodbye');
  for (const { name } of dead) expectations.killed.add(name);
  expectations.brokerIsDead = true;
  await Promise.all(
    dead.flatMap(({ backend, sidekick }) => [backend.container.kill(), sidekick.container.kill()]),
  );
  const killedAt = elapsed();
  await waitForServers(cluster, 'http', ['firmware-3', 'firmware-4']);
  await waitForServers(cluster, 'stream', ['broker-3', 'broker-4']);
  say(
    `nobody renewed their keys, which live for ${LEASE_TTL}: ` +
      `${(elapsed() - killedAt).toFixed(1)} s after the kill NGINX has neither`,
  );
  await until('all devices have a session again', () => mqtt.on('').length === 0);
  expectations.brokerIsDead = false;
  await mqtt.roundTrip();
  say(`the ${plural(devices.length, 'device')} of broker-2 found other brokers: ${spreadOf(stage)}`);
  await promote(stage);
  sayTraffic(stage);
}

async function nginxDies(stage: Stage): Promise<void> {
  const { cluster, mqtt, firmware, expectations, ledger } = stage;
  say('NGINX is killed, and a new one started that knows of no server');
  expectations.nginxIsDown = true;
  await cluster.gateway.container.kill();
  await cluster.gateway.container.replace();
  const answeredAt = elapsed();
  await waitForServers(cluster, 'http', ['firmware-3', 'firmware-4']);
  await waitForServers(cluster, 'stream', ['broker-3', 'broker-4']);
  const seconds = elapsed() - answeredAt;
  say(`every server is back ${seconds.toFixed(2)} s after its API answered`);
  ledger.atMost('NGINX set again after its API answered', seconds, SET_AGAIN_WITHIN_S, 's');
  await until('all devices have a session again', () => mqtt.on('').length === 0);
  await waitForRequests(stage, 1);
  await firmware.fleet.round();
  expectations.nginxIsDown = false;
  await mqtt.roundTrip();
  say(`all devices are connected again: ${spreadOf(stage)}`);
  sayTraffic(stage);
}

async function lastRequests(stage: Stage): Promise<void> {
  const { http, mqtt, firmware } = stage;
  const missing = REQUESTS_WANTED - http.counts.requests;
  if (missing > 0) {
    say(`${plural(missing, 'request')} to go`);
    await waitForRequests(stage, missing);
  }
  await Promise.all([http.stop(), mqtt.stop(), firmware.fleet.stop()]);
  say('the traffic has ended');
  sayTraffic(stage);
}

const SCENES: readonly Scene[] = [
  { title: 'Servers appear', play: serversAppear },
  { title: 'Traffic flows', play: trafficFlows },
  PUBLISHED,
  BEGUN,
  { title: 'Scale up', play: scaleUp },
  HALF,
  { title: 'A firmware server leaves: graceful drain', play: drainFirmware },
  { title: 'A broker leaves: graceful drain', play: drainBroker },
  { title: 'The release goes to all devices, and a host dies', play: hostDies },
  { title: 'NGINX dies and comes back empty', play: nginxDies },
  STOPPED,
  { title: 'The end', play: lastRequests },
];

/** Plays all scenes and enters what was counted into the ledger. */
export async function play(stage: Stage): Promise<void> {
  for (const [index, { title, play: playScene }] of SCENES.entries()) {
    announce(index + 2, title);
    const begun = elapsed();
    await playScene(stage);
    stage.ledger.steps.push({
      title,
      seconds: elapsed() - begun,
      http: await stage.cluster.serverNames('http'),
      stream: await stage.cluster.serverNames('stream'),
    });
  }
  enterCounts(stage);
}

function enterCounts(stage: Stage): void {
  const { ledger, http, mqtt } = stage;
  const { counts } = mqtt;
  ledger.atLeast('HTTP requests', http.counts.requests, REQUESTS_WANTED);
  ledger.exactly('HTTP requests that failed', http.failed(), 0);
  for (const [failure, times] of http.counts.failures) ledger.exactly(`  of them: ${failure}`, times, 0);
  ledger.note('HTTP requests that failed while NGINX was down', http.counts.whileNginxDown);
  ledger.note('downloads resumed after their server was killed', http.counts.resumed);
  enterFirmware(stage);
  ledger.atLeast('MQTT clients', mqtt.devices.length, 100);
  ledger.atLeast('MQTT sessions', counts.sessions, DEVICES_AT_FIRST + DEVICES_MORE);
  ledger.exactly('MQTT sessions cut', counts.cut, 0);
  ledger.exactly('MQTT connections refused', counts.refusals, 0);
  ledger.note('MQTT sessions that ended with the killed broker', counts.cutByKilledBroker);
  ledger.note('MQTT sessions that ended with the killed NGINX', counts.cutByNginx);
  ledger.note('MQTT connections refused while broker or NGINX was dead', counts.expectedRefusals);
  ledger.exactly('MQTT messages lost', counts.lost, 0);
  ledger.note('MQTT messages under way when broker or NGINX was killed', counts.underWayAtCut);
  ledger.exactly('MQTT messages received', counts.received, counts.sent - counts.underWayAtCut);
  ledger.atLeast('firmware bytes', http.counts.bytes, REQUESTS_WANTED * FIRMWARE.small.length);
}

function enterFirmware({ ledger, firmware: { fleet } }: Stage): void {
  ledger.atLeast('questions of devices for firmware', fleet.checks, fleet.devices.length);
  ledger.atLeast('updates that devices checked and booted', fleet.updates, fleet.devices.length);
  ledger.exactly('questions and updates of devices that failed', fleet.failed(), 0);
  for (const [failure, times] of fleet.failures) ledger.exactly(`  of them: ${failure}`, times, 0);
  for (const [failure, times] of fleet.expectedFailures) ledger.note(`devices: ${failure}`, times);
}
