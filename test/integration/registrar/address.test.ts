import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Etcd,
  startEtcd,
  startNetwork,
  startSidekick,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';

let network: TestNetwork;
let etcd: Etcd;

beforeAll(async () => {
  network = await startNetwork();
  etcd = await startEtcd(network);
});
afterAll(async () => {
  await network?.remove();
});

const keys = async () => [...(await etcd.list('/services/')).keys()];

it('the registrar follows a changed address of its host: it drains the old one and registers the new one', async () => {
  // A watcher that answers nobody: the old address is asked to be drained, and stays so until it may go.
  const lease = await etcd.grant(600);
  await etcd.put('/sidekick/watchers/silent', JSON.stringify({ services: ['firmware'] }), lease);
  const sidekick = await startSidekick(network, {
    name: 'moving',
    args: [
      ...['register', '--service', 'firmware', '--address', 'auto:8080', '--etcd-endpoints', etcd.endpoint],
      ...['--probe-type', 'exec', '--probe-command', 'true', '--drain-timeout', '30s'],
    ],
  });
  await sidekick.waitForEvent('daemon-ready', undefined, { timeoutMs: 180_000 });
  const before = `/services/firmware/${sidekick.container.ip}:8080`;
  expect(await keys()).toEqual([before]);

  await sidekick.container.disconnect();
  // Takes the address that has become free, so that the next one is another.
  await startSidekick(network, { name: 'taker', args: ['watch', '--etcd-endpoints', etcd.endpoint] });
  await sidekick.container.connect();
  const after = `/services/firmware/${sidekick.container.ip}:8080`;
  expect(after).not.toBe(before);

  await until(
    'the new address is registered, and the old one is asked to be drained',
    async () => {
      const all = await etcd.list('/services/');
      return all.get(after) === '{}' && all.get(before) === '{"drain":true}';
    },
    { timeoutMs: 120_000 },
  );
  expect(await sidekick.waitForEvent('address-found', ({ before: old }) => old !== undefined)).toBeDefined();
  await until('the old address is gone', async () => (await keys()).join() === after, {
    timeoutMs: 120_000,
  });
}, 400_000);
