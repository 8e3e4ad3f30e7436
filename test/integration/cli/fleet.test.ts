/** `sidekick status` and `events` on a host that reaches nothing but etcd and the admin address of a watcher. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  API_TOKEN_FILE,
  type Backend,
  type Etcd,
  freePort,
  type Gateway,
  startFirmware,
  startParts,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { metricsOf, run, start } from './cli.js';

let network: TestNetwork;
let etcd: Etcd;
let gateway: Gateway;
let firmware: Backend;

beforeAll(async () => {
  ({ network, etcd, gateway, firmware } = await startParts(async (its) => ({
    firmware: await startFirmware(its, 1),
  })));
});
afterAll(() => network?.remove());

it('the whole fleet is seen from etcd alone, and the events say why a server went', async () => {
  const admin = `http://127.0.0.1:${await freePort()}`;
  const ask = (...args: string[]) => run(['status', '--etcd-endpoints', etcd.url, ...args]);
  const status = async () => (await ask()).out;

  const nothing = await ask();
  expect(nothing.out).toContain('no watcher is running');
  expect(nothing.code).toBe(1);

  const watcher = start([
    ...['watch', '--id', 'w1', '--etcd-endpoints', etcd.url, '--nginx-api', gateway.api],
    ...['--nginx-token-file', API_TOKEN_FILE, '--guard-grace', '1s', '--guard-hold', '0s'],
    ...['--admin-listen', new URL(admin).host],
  ]);
  const register = start([
    ...['register', '--service', 'firmware', '--address', firmware.address, '--etcd-endpoints', etcd.url],
    ...['--weight', '3', '--admin-listen', 'off', '--lease-ttl', '5s'],
    ...['--probe-type', 'http', '--probe-path', '/healthz'],
  ]);
  await watcher.event('server-added');
  const row = new RegExp(`${firmware.address} +healthy +\\S+ +weight=3 +up`);
  await until('the fleet shows the instance', async () => row.test(await status()));
  expect(await status()).toMatch(/w1 +\S+ +yes +\S+ +\S+ .*connected/);
  const json = JSON.parse((await ask('firmware', '--json')).out) as { services: { inSync: number }[] };
  expect(json.services).toMatchObject([{ name: 'firmware', registered: 1, inSync: 1 }]);
  expect((await ask('firmware')).code).toBe(0);

  await etcd.put('/services/firmware/nowhere', '');
  expect(await status()).toMatch(/! the registration \/services\/firmware\/nowhere is rejected/);

  // A host that dies: its lease ends, and nobody asked to drain.
  register.signal('SIGKILL');
  await watcher.event('server-removed');
  const { out, code } = await run(['events', 'firmware', '--admin', admin]);
  expect(code).toBe(0);
  const lines = out.split('\n');
  expect(lines.some((line) => /server-added .*its registration was written/.test(line))).toBe(true);
  const removed = lines.find((line) => line.includes('server-removed'));
  expect(removed).toContain(firmware.address);
  expect(removed).toContain('its lease expired or was revoked');
  expect(lines.find((line) => line.includes('instance-lost'))).toContain(firmware.address);
  await until('the status names the instance after its keys are gone', async () =>
    new RegExp(`! firmware ${firmware.address} was lost at \\S+Z: its lease expired or was revoked`).test(
      await status(),
    ),
  );
  const labels = `service="firmware",address="${firmware.address}"`;
  expect(await metricsOf(admin)).toContain(`sidekick_instance_lost_timestamp_seconds{${labels}} `);
});
