import { until } from '../../support/containers/until.js';
import { say } from '../../support/report/narrator.js';
import { createdAt, etcdctl, exercise, keyOf, leader, sidekickOf, unitOf, untilServing } from '../cluster.js';
import { type Host, NODES, on, property } from '../hosts.js';
import { type Chapter, noCuts, noFailures, type Stage, secondsSince } from '../stage.js';

async function restarted(host: Host, unit: string, before: string): Promise<boolean> {
  const [pid, state] = await Promise.all([
    property(host, unit, 'MainPID'),
    property(host, unit, 'ActiveState'),
  ]);
  return pid !== before && state === 'active';
}

async function signalAndAwait(host: Host, unit: string, signal: string): Promise<number> {
  const pid = await property(host, unit, 'MainPID');
  const begun = performance.now();
  await on(host, 'kill', `-${signal}`, pid);
  await until(`${unit} is restarted`, () => restarted(host, unit, pid), { timeoutMs: 120_000 });
  return secondsSince(begun);
}

async function playKill(stage: Stage): Promise<void> {
  const { ledger } = stage;
  const begun = performance.now();
  const key = keyOf('firmware', 'node1');
  const created = await createdAt('node2', key);
  const seconds = await signalAndAwait('node1', sidekickOf('firmware', 'node1'), 'KILL');
  say(`kill -9 of a sidekick: systemd has it registered again after ${seconds.toFixed(1)} s`);
  ledger.exactly(
    'sidekick killed: times its key was deleted',
    (await createdAt('node2', key)) === created ? 0 : 1,
    0,
  );
  await noFailures(stage, 'sidekick killed', begun);
  noCuts(stage, 'sidekick killed', begun);
}

async function playFreeze(stage: Stage): Promise<void> {
  const { ledger } = stage;
  const begun = performance.now();
  const seconds = await signalAndAwait('lb', 'sidekick-watch', 'STOP');
  say(`the watcher frozen: its watchdog has it restarted, and in sync, after ${seconds.toFixed(1)} s`);
  ledger.atMost('watcher frozen: running again after', seconds, 60, 's');
  ledger.exactly(
    'watcher frozen: restarts by the watchdog',
    Number(
      /watchdog/i.test(
        await on('lb', 'journalctl', '--no-pager', '--unit=sidekick-watch', '--grep=[Ww]atchdog timeout'),
      ),
    ),
    1,
  );
  await exercise('node1');
  await noFailures(stage, 'watcher frozen', begun);
  noCuts(stage, 'watcher frozen', begun);
}

async function playLeader(stage: Stage): Promise<void> {
  const { ledger } = stage;
  const begun = performance.now();
  const node = await leader();
  const [other] = NODES.filter((candidate) => candidate !== node);
  if (!other) throw new Error('a cluster of one');
  const key = keyOf('mqtt', node);
  const created = await createdAt(other, key);
  await on(node, 'systemctl', 'stop', 'etcd');
  say(`etcd's leader, on ${node}, is stopped`);
  await until('etcd has a leader', () => etcdctl(other, 'put', '/cluster-test/leader', node));
  await exercise(other);
  say('the others carry on: a server was drained, removed and added again');
  ledger.exactly(
    'leader stopped: times a key of its node was deleted',
    (await createdAt(other, key)) === created ? 0 : 1,
    0,
  );
  await on(node, 'systemctl', 'start', 'etcd');
  await untilServing(NODES);
  await noFailures(stage, 'leader stopped', begun);
  noCuts(stage, 'leader stopped', begun);
}

async function playCrash(stage: Stage): Promise<void> {
  const { http, ledger } = stage;
  const sidekick = sidekickOf('firmware', 'node1');
  const [begun, before] = [performance.now(), await property('node1', sidekick, 'MainPID')];
  const seconds = await signalAndAwait('node1', unitOf('firmware', 'node1'), 'KILL');
  const restartedAt = performance.now();
  await until('its sidekick is with it again', () => restarted('node1', sidekick, before));
  await untilServing(NODES);
  await until('node1 serves', () => http.servedSince('node1', restartedAt));
  say(
    `kill -9 of a firmware server: restarted after ${seconds.toFixed(1)} s, and with its sidekick in NGINX again`,
  );
  await noFailures(stage, 'firmware server killed, once it was back', restartedAt);
  ledger.note('firmware server killed: downloads broken off', http.failuresSince(begun).length);
}

/** A backend dies; its sidekick goes with it, and comes back with it. */
export const crashBackend: Chapter = { title: 'a firmware server is killed', play: playCrash };

/** A sidekick is killed without warning. */
export const killSidekick: Chapter = { title: 'a sidekick is killed', play: playKill };

/** The watcher hangs. */
export const freezeWatcher: Chapter = { title: 'the watcher is frozen', play: playFreeze };

/** etcd's leader is stopped. */
export const stopLeader: Chapter = { title: "etcd's leader is stopped", play: playLeader };
