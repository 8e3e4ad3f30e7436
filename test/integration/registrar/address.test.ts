import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Etcd,
  noteEvents,
  startContainer,
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
  const taker = await startSidekick(network, {
    name: 'taker',
    args: ['watch', '--etcd-endpoints', etcd.endpoint, '--nginx-api', 'http://127.0.0.1:9/api'],
  });
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

  // A watcher keeps up with the addresses of its host too.
  await taker.container.disconnect();
  await taker.waitForEvent('host-addresses-changed');
}, 400_000);

/** Registers `auto:8080`, and every other address that this host may get, as the same service. */
const CLASHING = `ip=$(hostname -i)
for n in $(seq 2 40); do
  other=\${ip%.*}.$n
  [ "$other" = "$ip" ] || others="$others, {service: clashing, address: \\"$other:8080\\"}"
done
exec node /opt/sidekick/dist/main.js register --services "[{service: clashing, address: \\"auto:8080\\"}$others]" --etcd-endpoints "$0"`;

it('the registrar reports a changed address that is already taken by another entry of the service', async () => {
  const clashing = await startContainer({
    image: 'sidekick',
    name: 'clashing',
    network,
    entrypoint: ['sh', '-c', CLASHING, etcd.endpoint],
    command: [],
  });
  noteEvents(clashing.logs);
  await clashing.logs.waitFor(/"event":"address-found"/);
  await clashing.disconnect();
  await startSidekick(network, { name: 'next', args: ['completion', 'bash'] });
  await clashing.connect();
  const line = await clashing.logs.waitFor(/"event":"address-unusable"/);
  expect(line).toContain('must be different from that of every other entry of the service');
}, 200_000);
