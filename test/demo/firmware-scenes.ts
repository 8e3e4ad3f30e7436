/** The scenes about firmware: it is published once, and a rollout decides which device gets it when. */
import { count, plural, say } from '../support/report/narrator.js';
import { BAD, build, DEVICES, nobody, share, TYPE } from './firmware-side.js';
import type { Scene, Stage } from './stage.js';

const FACTORY = '1.2.0';
const NEW = '1.3.0';
const FIX = '1.4.1';
/** The first phase has a tenth of the devices, and the second may have begun by chance: with 60 that boot, and one that fails. */
const MOST_OFFERED = 250;
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
  await firmware.change(['pause', TYPE, '--reason', 'a lamp flickers'], nobody);
  await firmware.change(['resume', TYPE], rule);
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
  say(`one lamp in ten cannot boot ${BAD}, and goes back to ${NEW}; nobody knows that yet`);
  const limit = ['--max-failures', '2%', '--min', '30'];
  const phases = ['--phases', '10%,50%,100%', '--after', '60'];
  await firmware.change(['rollout', TYPE, '--version', BAD, ...phases, ...limit], share(BAD, 50));
  say(`nobody had to look: the rollout is ${await firmware.halt()}`);
  const started = fleet.started.get(BAD)?.size ?? 0;
  await fleet.round();
  const later = (fleet.started.get(BAD)?.size ?? 0) - started;
  say(`${plural(started, 'device')} had been offered it by then, of ${count(DEVICES)}`);
  ledger.atMost('devices that were offered the bad release', started, MOST_OFFERED, 'devices');
  ledger.atMost('devices that were offered it after the halt', later, 0, 'devices');
  const affected = fleet.devices.filter((device) => device.firmware.version === BAD);
  await firmware.publish(build(FIX));
  const rescue = [
    'rollout',
    TYPE,
    '--version',
    FIX,
    '--phases',
    '1%,10%,100%',
    '--after',
    '60',
    '--rescue',
    BAD,
  ];
  await firmware.change([...rescue, ...limit], share(FIX, 10, affected));
  await fleet.round();
  say(
    `the ${plural(affected.length, 'device')} that ran ${BAD} got ${FIX} at once, and everyone else waits for a phase`,
  );
  ledger.exactly(`devices that still run ${BAD}`, firmware.running(BAD), 0);
  await firmware.change(['rollback', TYPE], nobody);
  const before = fleet.updates;
  await fleet.round();
  ledger.exactly('updates after the rollback', fleet.updates - before, 0);
  for (const line of (await firmware.command(['log', TYPE])).trimEnd().split('\n').slice(-4))
    say(`  ${line}`);
}

export const PUBLISHED: Scene = { title: 'Firmware is published', play: publishTwo };
export const BEGUN: Scene = {
  title: 'A release goes to the bench, then to one device in ten',
  play: beginRollout,
};
export const HALF: Scene = { title: 'The release goes to half of the devices', play: half };
export const STOPPED: Scene = {
  title: 'A bad release halts by itself, and the fix reaches those that have it',
  play: stopBadRelease,
};
