import { afterAll, beforeAll, expect, it } from 'vitest';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { hostAddress, startHttp } from './backends.js';
import { type FullGateway, startFullGateway } from './gateway.js';

const STATE = '/var/lib/sidekick-gateway';
const GROUP = '/http/upstreams/firmware';
const SERVERS = `${GROUP}/servers`;
const PAIRS = '/http/keyvals/firmware';

let network: TestNetwork;
let gateway: FullGateway;

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startFullGateway(network, undefined, { tmpfs: { [STATE]: 'rw,size=64k,mode=0777' } });
});

afterAll(async () => {
  await network?.remove();
});

it('a gateway with a full disk drains, removes and adds servers, logs that, and writes its state when there is room', async () => {
  // Regression: POST, PATCH and DELETE answered 500, so that a server that had died could not be taken out.
  const { api, container } = gateway;
  const host = await hostAddress(network);
  const [first, second, third] = [await startHttp(host), await startHttp(host), await startHttp(host)];
  const get = async () => (await fetch(`http://127.0.0.1:${gateway.port('http')}`)).text();
  const ids = [];
  for (const { server } of [first, second]) ids.push((await api.call('POST', SERVERS, { server })).body.id);
  await container.exec(['sh', '-c', `dd if=/dev/zero of=${STATE}/ballast bs=1k 2>/dev/null; df ${STATE}`]);

  expect((await api.call('PATCH', `${SERVERS}/${ids[0]}`, { drain: true })).status).toBe(200);
  for (let i = 0; i < 4; i++) expect(await get()).toBe(second.server);
  expect((await api.call('DELETE', `${SERVERS}/${ids[1]}`)).status).toBe(200);
  // A line may still have fitted into a block that was begun.
  for (let i = 0; i < 100; i++)
    expect((await api.call('POST', SERVERS, { server: `10.9.9.${i}`, down: true })).status).toBe(201);
  expect((await api.call('POST', SERVERS, { server: third.server })).status).toBe(201);
  for (let i = 0; i < 4; i++) expect(await get()).toBe(third.server);
  expect((await api.get(GROUP)).body.state).toBe('stale');
  await container.logs.waitFor(/http upstream "firmware": its state cannot be written/);
  expect((await api.call('POST', PAIRS, { full: 'x'.repeat(8192) })).status).toBe(201);
  expect((await api.get(PAIRS)).body).toHaveProperty('full');
  await container.logs.waitFor(/http keyval zone "firmware": its state cannot be written/);

  await container.exec(['rm', `${STATE}/ballast`]);
  await until('the state is written', async () => (await api.get(GROUP)).body.state === undefined);
  const { output } = await container.exec(['cat', `${STATE}/http.firmware`]);
  expect(output).toContain(`server ${third.server};`);
  expect(output).toContain(`server ${first.server} drain;`);
  expect(output).not.toContain(second.server);
  await container.logs.waitFor(/http keyval zone "firmware": its state has been written again/);
  expect((await container.exec(['cat', `${STATE}/http.keyval.firmware`])).output).toContain('"full"');
  await Promise.all([first, second, third].map((backend) => backend.close()));
});
