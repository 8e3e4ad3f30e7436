import { createHash, createPublicKey } from 'node:crypto';
import { revisionOf } from '../../../src/firmware/shared/catalogue.js';
import { until } from '../../support/containers/until.js';
import {
  boot,
  type DeviceFailure,
  type Firmware,
  Fleet,
  manyDevices,
  Site,
} from '../../support/devices/index.js';
import { appImage, rsaKey } from '../../support/firmware-image.js';
import { plural, say } from '../../support/report/narrator.js';
import { sidekickOf, unitOf, untilServiceOn } from '../cluster.js';
import { addressOf, NODES, type Node, on } from '../hosts.js';
import { authorityOf, firmware, giveOperator, operatorEnvironment } from '../operator.js';
import { type Chapter, type Stage, secondsSince } from '../stage.js';

const TYPE = 'lamp';
const DEVICES = 200;
const CHECKS_PER_SECOND = 60;
const BLOBS = '/srv/firmware/blobs';
/** Bytes of the segments of an image. */
const SEGMENTS = [131_072, 65_536, 72];
const KEY = rsaKey(3072);

/** An image of a version; no two versions have the same bytes. */
function build(version: string): Firmware {
  const fill = createHash('sha256').update(version).digest()[0] ?? 0;
  return boot(appImage({ version, project: 'lamp', segments: SEGMENTS, fill }));
}

/** What the chapter has of the operator: the commands, with the files that they need. */
class Operator {
  readonly #environment = operatorEnvironment();
  readonly #key = giveOperator('signing.pem', KEY.export({ type: 'pkcs8', format: 'pem' }) as string);

  async publish({ version, image }: Firmware, node: Node, ...more: string[]): Promise<void> {
    const file = giveOperator(`lamp-${version}.bin`, image);
    const url = `https://${addressOf(node)}:8443`;
    const what = ['--type', TYPE, '--version', version, '--sign', this.#key];
    await firmware(this.#environment, 'publish', file, ...what, '--upload-url', url, ...more);
  }

  /** Changes the rollout, and waits until NGINX answers by it. */
  async change(...args: string[]): Promise<void> {
    const out = await firmware(this.#environment, ...args, '--json');
    const { revision } = JSON.parse(out) as { revision: number };
    await until('NGINX answers by it', async () => (await offeredRevision()) >= revision);
  }
}

async function offeredRevision(): Promise<number> {
  const response = await fetch(`http://${addressOf('lb')}:8080/api/9/http/keyvals/firmware`);
  return revisionOf(((await response.json()) as Readonly<Record<string, string>>)[TYPE] ?? '');
}

/** The names of a node's files, each with its owner and group. */
async function filesOf(node: Node): Promise<string[]> {
  const listed = await on(node, 'sh', '-c', `cd ${BLOBS} && stat -c '%n %U:%G' *.bin 2>/dev/null || true`);
  return listed === '' ? [] : listed.split('\n');
}

/** How many files have another owner than before. */
function changedIn(before: readonly string[], after: readonly string[]): number {
  return after.filter((line) => !before.includes(line)).length;
}

function ownersOf(files: readonly string[]): string {
  return [...new Set(files.map((line) => line.split(' ')[1]))].join(', ');
}

/** Either user of a firmware server's directory replaces what the other wrote. */
async function replaceEachOthers(operator: Operator, release: Firmware, stage: Stage): Promise<void> {
  const { ledger } = stage;
  const [uploaded, fetched] = [await filesOf('node1'), await filesOf('node2')];
  ledger.exactly('files of the release on node1', uploaded.length, 2);
  ledger.exactly('files of the release on node2', fetched.length, 2);
  say(`uploads on node1 are of ${ownersOf(uploaded)}, fetched files on node2 of ${ownersOf(fetched)}`);

  // One that nginx wrote is damaged: the sidekick removes it, and fetches it again.
  const file = `${BLOBS}/${release.sha256}.bin`;
  await on('node1', 'sh', '-c', `printf x | dd of=${file} conv=notrunc bs=1 seek=5000 2>/dev/null`);
  await on('node1', 'systemctl', 'restart', sidekickOf('firmware', 'node1'));
  await until('the damaged file is repaired', async () =>
    (await on('node1', 'sha256sum', file)).startsWith(release.sha256),
  );
  ledger.exactly('files of node1 that a fetch replaced', changedIn(uploaded, await filesOf('node1')), 1);

  // One that the sidekick wrote is uploaded again.
  await operator.publish(release, 'node2', '--repair');
  ledger.exactly('files of node2 that an upload replaced', changedIn(fetched, await filesOf('node2')), 2);
  say('the sidekick has replaced what nginx wrote, and nginx what the sidekick wrote');
}

async function stopServer(node: Node): Promise<void> {
  await on(node, 'systemctl', 'stop', unitOf('firmware', node));
}

async function emptyDisk(node: Node): Promise<void> {
  await on(node, 'rm', '-rf', BLOBS);
}

async function startServer(node: Node): Promise<void> {
  await on(node, 'systemctl', 'start', unitOf('firmware', node));
}

/** Ends the server and its sidekick without their consent, for good. */
async function killServer(node: Node): Promise<void> {
  const units = [unitOf('firmware', node), sidekickOf('firmware', node)].map((unit) => `${unit}.service`);
  await on(node, 'systemctl', 'mask', '--runtime', ...units);
  await on(node, 'systemctl', 'kill', '--signal=KILL', ...units);
}

async function revive(node: Node): Promise<void> {
  const units = [unitOf('firmware', node), sidekickOf('firmware', node)].map((unit) => `${unit}.service`);
  await on(node, 'systemctl', 'unmask', '--runtime', ...units);
  await on(node, 'systemctl', 'reset-failed', ...units);
  await on(node, 'systemctl', 'start', ...units);
}

async function play(stage: Stage): Promise<void> {
  const { ledger } = stage;
  const operator = new Operator();
  const [old, next] = [build('1.0.0'), build('1.1.0')];
  await operator.publish(old, 'node1');
  say('sidekick firmware publish on lb, to node1: all firmware servers have the files');
  await replaceEachOthers(operator, old, stage);
  await operator.change('rollout', TYPE, '--percent', '100');
  await operator.change('promote', TYPE);

  const killed = new Set<string>();
  const fleet = new Fleet(
    manyDevices({
      sites: [new Site(`https://${addressOf('lb')}`, authorityOf())],
      type: TYPE,
      count: DEVICES,
      firmware: old,
      publicKey: createPublicKey(KEY),
    }),
    {
      checksPerSecond: CHECKS_PER_SECOND,
      isExpected: ({ kind, server }: DeviceFailure) => kind === 'connection' && killed.has(server),
    },
  );
  fleet.know(next);
  fleet.allow(() => [next.version]);
  fleet.start();
  try {
    await comeAndGo(operator, next, fleet, killed, stage);
  } finally {
    await fleet.stop();
  }
  ledger.exactly('firmware: devices with the new release', fleet.running().get(next.version) ?? 0, DEVICES);
  ledger.exactly('firmware: questions and updates that failed', fleet.failed(), 0);
  for (const [failure, times] of fleet.failures) ledger.exactly(`  of them: ${failure}`, times, 0);
  for (const [failure, times] of fleet.expectedFailures) ledger.note(`firmware: ${failure}`, times);
  ledger.exactly('firmware servers that sent updates', fleet.servedBy.size, NODES.length);
}

async function comeAndGo(
  operator: Operator,
  next: Firmware,
  fleet: Fleet,
  killed: Set<string>,
  { ledger }: Stage,
): Promise<void> {
  await stopServer('node3');
  await emptyDisk('node3');
  await untilServiceOn('firmware', ['node1', 'node2']);
  await operator.publish(next, 'node1');
  await operator.change('rollout', TYPE, '--percent', '30');
  const joined = performance.now();
  await startServer('node3');
  await untilServiceOn('firmware', NODES);
  say(`node3 joined with an empty disk, and serves after ${secondsSince(joined).toFixed(1)} s`);
  ledger.exactly('files of the server that joined', (await filesOf('node3')).length, 4);
  await fleet.round();

  await operator.change('rollout', TYPE, '--percent', '60');
  await stopServer('node2');
  await emptyDisk('node2');
  const reinstalled = performance.now();
  await startServer('node2');
  await untilServiceOn('firmware', NODES);
  say(`node2 was reinstalled, and serves again after ${secondsSince(reinstalled).toFixed(1)} s`);
  ledger.exactly('files of the server that was reinstalled', (await filesOf('node2')).length, 4);
  await fleet.round();

  await operator.change('rollout', TYPE, '--percent', '100');
  killed.add('node1');
  await killServer('node1');
  say(`node1 is killed with its sidekick, ${plural(fleet.updates, 'update')} into the rollout`);
  await untilServiceOn('firmware', ['node2', 'node3']);
  await fleet.round();
  say(`all ${DEVICES} devices run ${next.version}`);
  await operator.change('promote', TYPE);
  await revive('node1');
  await untilServiceOn('firmware', NODES);
}

/** Firmware servers join empty, are reinstalled and die while devices download. */
export const firmwareServers: Chapter = {
  title: 'firmware servers come and go while devices update',
  play,
};
