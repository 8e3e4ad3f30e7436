/** What a rollout has brought to an NGINX is answered with etcd, the watcher and every firmware server gone. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import { NEVER } from '../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { FirmwareRepository } from '../../../src/daemon/firmware/repository.js';
import {
  type Etcd,
  type Gateway,
  startFirmware,
  startParts,
  startWatch,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { type RawAnswer, rawRequest } from '../../support/raw-request.js';

const AUTHOR = { by: 'ci@build1', at: '2026-11-27T12:00:00.000Z' };
const MEMBER = '24:6f:28:aa:bb:cc';

/** Every kind of answer that needs no file, and what a device must not get while all else is down. */
const QUESTIONS = [
  `/ota?type=lamp&id=${MEMBER}`,
  '/ota?type=lamp&id=24:6f:28:aa:bb:ce',
  '/ota?type=lamp',
  `/ota/lamp/manifest.json?id=${MEMBER}&version=1.0.0`,
  `/ota/lamp/version?id=${MEMBER}`,
  `/ota/lamp/1.1.0.md5?id=${MEMBER}`,
  `/ota/image?type=lamp&id=${MEMBER}&version=1.1.0`,
  '/ota?type=kettle',
];

let network: TestNetwork;
let etcd: Etcd;
let gateway: Gateway;

beforeAll(async () => {
  ({ network, etcd, gateway } = await startParts());
});

afterAll(async () => {
  await network?.remove();
});

async function publish(): Promise<void> {
  const connection = connectEtcd({ endpoints: [etcd.url] });
  const repository = new FirmwareRepository(connection.store, DEFAULT_KEY_PREFIXES);
  const change = async (changed: Omit<Parameters<FirmwareRepository['change']>[1], 'entry'>) => {
    const entry = { ...AUTHOR, action: 'publish' as const, text: 'published' };
    const ground = await repository.type('lamp', NEVER);
    expect(await repository.change(ground, { entry, ...changed }, NEVER)).toMatchObject({ made: true });
  };
  for (const version of ['1.0.0', '1.1.0']) {
    const digit = version.charAt(2);
    await change({
      record: { chip: 'esp32', forms: ['esp32fota', 'file', 'esphome', 'text'] },
      release: {
        version,
        publishedAt: AUTHOR.at,
        publishedBy: AUTHOR.by,
        plain: { sha256: digit.repeat(64), md5: digit.repeat(32), size: 1_000_000 },
        image: { chip: 'esp32', secureBoot: 'none' },
      },
    });
  }
  const candidate = { version: '1.1.0', percent: 0, salt: 'lamp-1.1.0', groups: ['lab'] };
  await change({
    group: { name: 'lab', ids: [MEMBER] },
    rollout: { ...AUTHOR, stable: '1.0.0', candidate, downgrade: false, secureVersion: 0 },
  });
  connection.close();
}

/** What does not differ from answer to answer: all but the date. */
async function askAll(): Promise<readonly object[]> {
  const answers: RawAnswer[] = [];
  for (const target of QUESTIONS)
    answers.push(await rawRequest({ port: gateway.container.port(443), target }));
  return answers.map(({ status, lines, body }) => ({
    status,
    lines: lines.filter((line) => !line.startsWith('Date:')),
    body: body.toString(),
  }));
}

it('answers the same when nothing else is there any more, and again after its restart', async () => {
  const server = await startFirmware(network, 1);
  await etcd.put(
    `/services/firmware/${server.address}`,
    JSON.stringify({ meta: { firmware: String(Number.MAX_SAFE_INTEGER) } }),
  );
  await publish();
  const watcher = await startWatch(network, etcd, gateway, ['--firmware-origin', 'https://ota.example.com']);
  // An unknown type is one only once the zone has been filled to its end.
  const filled = async () => JSON.stringify((await askAll()).at(-1)).includes('no such type');
  await until('the zone is filled', filled);
  const before = await askAll();
  expect(before.map((answer) => (answer as { status: number }).status)).toEqual([
    ...[200, 200, 200, 200, 200, 200, 304, 404],
  ]);

  for (const container of [etcd.container, server.container, watcher.container]) await container.kill();
  expect(await askAll()).toEqual(before);
  await gateway.container.stop();
  await gateway.container.start();
  // Nobody asks the API for the zone: the gateway loads it by itself.
  await until('the zone is loaded', filled);
  expect(await askAll()).toEqual(before);
});
