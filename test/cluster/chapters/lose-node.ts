import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import {
  createdAt,
  etcdctl,
  keyOf,
  type Service,
  serverOf,
  servers,
  serving,
  untilServing,
} from '../cluster.js';
import { cutNetwork, mendNetwork, NODES, pause, resume } from '../hosts.js';
import { nameBroker } from '../mqtt-traffic.js';
import { type Chapter, noFailures, type Stage, secondsSince } from '../stage.js';

/** How soon traffic has to have left a lost node, in seconds: two failed probes of a second each, and some. */
const LIMIT = 6;
const SERVICES: readonly Service[] = ['firmware', 'mqtt'];

async function idsOfOthers(): Promise<string> {
  const all = await Promise.all(SERVICES.map(servers));
  return all
    .flat()
    .filter(({ server }) => !server.startsWith('192.168.56.12:'))
    .map(({ id, server }) => `${id}=${server}`)
    .sort()
    .join();
}

async function playLoss(
  stage: Stage,
  what: string,
  lose: () => Promise<void>,
  giveBack: () => Promise<void>,
): Promise<void> {
  const { mqtt, ledger } = stage;
  const before = await idsOfOthers();
  const lost = performance.now();
  await lose();
  for (const service of SERVICES) {
    await until(`${service} of node2 is out`, async () => !(await serving(service)).includes('node2'));
  }
  const out = secondsSince(lost);
  say(`node2 gets no more traffic after ${out.toFixed(1)} s`);
  ledger.atMost(`${what}: no more traffic to it after`, out, LIMIT, 's');
  const safe = performance.now();

  await mqtt.untilSettled('node2');
  say('its devices are on the other brokers');
  await etcdctl('node1', 'put', '/cluster-test/quorum', what);
  say('etcd takes writes: it has its quorum');
  for (const service of SERVICES) {
    await until(
      `the key of ${service} expires`,
      async () => (await createdAt('node1', keyOf(service, 'node2'))) === undefined,
    );
    await until(
      `${service} of node2 is removed`,
      async () => (await serverOf(service, 'node2')) === undefined,
      { timeoutMs: 150_000 },
    );
  }
  say(`its keys have expired and its servers are removed, ${secondsSince(lost).toFixed(1)} s after its loss`);
  ledger.exactly(`${what}: other servers touched`, (await idsOfOthers()) === before ? 0 : 1, 0);
  const elsewhere = mqtt.cutsSince(lost).filter(({ broker }) => broker !== 'node2');
  ledger.exactly(`${what}: sessions cut on other brokers`, elsewhere.length, 0);

  const back = performance.now();
  await giveBack();
  await untilServing(NODES);
  say(`node2 is back: all in NGINX again after ${secondsSince(back).toFixed(1)} s`);
  // Long enough that a late consequence of the return would show.
  await delay(5_000);
  ledger.exactly(
    `${what}: nodes serving 5 s after its return`,
    (await serving('firmware')).length,
    NODES.length,
  );
  ledger.exactly(
    `${what}: brokers serving 5 s after its return`,
    (await serving('mqtt')).length,
    NODES.length,
  );
  await nameBroker('node2');
  await noFailures(stage, `${what}, once it was found out`, safe);
  ledger.exactly(
    `${what}: requests sent to it once it was found out`,
    stage.http.servedOf('node2', safe, back),
    0,
  );
  ledger.note(
    `${what}: requests lost with the node`,
    stage.http.failuresSince(lost).length - stage.http.failuresSince(safe).length,
  );
}

/** A machine that is suspended, as in the story that this system comes from. */
export const suspendNode: Chapter = {
  title: 'node2 is suspended, and resumed',
  play: (stage) =>
    playLoss(
      stage,
      'node2 suspended',
      () => pause('node2'),
      () => resume('node2'),
    ),
};

/** A machine that runs on, but cannot be reached and cannot reach anyone. */
export const isolateNode: Chapter = {
  title: 'node2 loses its network, and gets it back',
  play: (stage) =>
    playLoss(
      stage,
      'node2 cut off',
      () => cutNetwork('node2'),
      () => mendNetwork('node2'),
    ),
};
