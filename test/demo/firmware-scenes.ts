/** The scenes about firmware: it is published once, and a rollout decides which device gets it when. */
import { count, plural, say } from '../support/report/narrator.js';
import { build, DEVICES, nobody, share, TYPE } from './firmware-side.js';
import type { Scene, Stage } from './stage.js';

const FACTORY = '1.2.0';
const NEW = '1.3.0';
const BAD = '1.4.0';
/** What a tenth of the devices may come to: three standard deviations of 1,000 devices. */
const TENTH = { least: 70, most: 130 };

async function publishTwo({ firmware, ledger }: Stage): Promise<void> {
  const { fleet } = firmware;
  await firmware.publish(build(FACTORY));
  await firmware.change(['rollout', TYPE, '--percent', '100'], nobody);
  await firmware.change(['promote', TYPE], nobody);
  say(`${count(DEVICES)} devices of four kinds run ${FACTORY}, and ask one URL over TLS, again and again`);
  fleet.start();
  await firmware.publish(build(NEW));
  say(`${NEW} was sent to one firmware server; the sidekicks of the others have fetched it`);
  await fleet.round();
  say('all devices have asked: until there is a rollout, nothing is new');
  ledger.exactly(`devices with ${NEW} before its rollout`, firmware.running(NEW), 0);
}

/** Waits until every device has asked, and enters how many have a version: all that are to have it, and no other. */
async function enterRunning(
  { firmware, ledger }: Stage,
  what: string,
  version: string,
  wanted: number,
): Promise<void> {
  await firmware.fleet.round();
  const running = firmware.running(version);
  say(`${what}: ${plural(running, 'device')} of ${count(DEVICES)} run ${version}, checked and booted`);
  ledger.exactly(`devices with ${version}: ${what}`, running, wanted);
}

async function beginRollout(stage: Stage): Promise<void> {
  const { firmware, ledger } = stage;
  const { bench } = firmware;
  await firmware.command(['group', TYPE, 'bench', ...bench.flatMap(({ mac }) => ['--add', mac])]);
  await firmware.change(['rollout', TYPE, '--version', NEW, '--group', 'bench'], share(NEW, 0, bench));
  await enterRunning(stage, 'the bench', NEW, bench.length);
  const tenth = share(NEW, 10, bench);
  await firmware.change(['rollout', TYPE, '--percent', '10'], tenth);
  await enterRunning(stage, '10 % and the bench', NEW, firmware.chosen(NEW, tenth));
  ledger.atLeast('devices among 10 %', firmware.chosen(NEW, share(NEW, 10)), TENTH.least);
  ledger.atMost('devices among 10 %', firmware.chosen(NEW, share(NEW, 10)), TENTH.most, 'devices');
}

async function half(stage: Stage): Promise<void> {
  const { firmware, ledger } = stage;
  const rule = share(NEW, 50, firmware.bench);
  await firmware.change(['rollout', TYPE, '--percent', '50'], rule);
  await enterRunning(stage, '50 %', NEW, firmware.chosen(NEW, rule));
  const joined = firmware.fleet.servedBy.get('firmware-4') ?? 0;
  say(`firmware-4, which joined with an empty disk, has served ${plural(joined, 'download')} of these`);
  ledger.atLeast('downloads of devices from the server that joined empty', joined, 1);
}

/** Offers the release to all; it is not waited for. */
export async function offerToAll({ firmware }: Stage): Promise<void> {
  await firmware.change(['rollout', TYPE, '--percent', '100'], share(NEW, 100));
}

/** Waits until all devices have the release, and makes it the stable one. */
export async function promote(stage: Stage): Promise<void> {
  await enterRunning(stage, 'all', NEW, DEVICES);
  await stage.firmware.change(['promote', TYPE], nobody);
}

async function stopBadRelease(stage: Stage): Promise<void> {
  const { firmware, ledger } = stage;
  const { fleet } = firmware;
  await firmware.publish(build(BAD));
  const tenth = share(BAD, 10);
  await firmware.change(['rollout', TYPE, '--percent', '10'], tenth);
  await enterRunning(stage, '10 %', BAD, firmware.chosen(BAD, tenth));
  await firmware.change(['rollout', TYPE, '--percent', '50'], share(BAD, 50));
  await firmware.change(['pause', TYPE, '--reason', 'the lamps flicker'], nobody);
  const paused = firmware.running(BAD);
  await fleet.round();
  say(`${plural(paused, 'device')} had begun when it was paused; nobody else is offered it`);
  await firmware.change(['rollback', TYPE], nobody);
  const before = fleet.updates;
  await fleet.round();
  ledger.exactly('updates after the rollback', fleet.updates - before, 0);
  for (const line of (await firmware.command(['log', TYPE])).trimEnd().split('\n').slice(-3))
    say(`  ${line}`);
}

export const PUBLISHED: Scene = { title: 'Firmware is published', play: publishTwo };
export const BEGUN: Scene = {
  title: 'A release goes to the bench, then to one device in ten',
  play: beginRollout,
};
export const HALF: Scene = { title: 'The release goes to half of the devices', play: half };
export const STOPPED: Scene = { title: 'A bad release is paused and taken back', play: stopBadRelease };
