import { afterAll, beforeAll, expect, it } from 'vitest';
import { startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { type FullGateway, startFullGateway } from './gateway.js';

/** Little enough memory to fill it with a few dozen servers. */
const SMALL =
  'sed -Ei "s/_tables:[0-9]+m/_tables:64k/" /etc/nginx/gateway/http.conf && exec nginx -g "daemon off;"';
const SERVERS = '/http/upstreams/firmware/servers';

let network: TestNetwork;
let gateway: FullGateway;

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startFullGateway(network, ['sh', '-c', SMALL]);
});

afterAll(async () => {
  await network?.remove();
});

it('a gateway drains and removes the servers of a group that has filled the memory, and then accepts new ones', async () => {
  let added = 0;
  for (; added < 1000; added++) {
    const { status, body } = await gateway.api.call('POST', SERVERS, {
      server: `10.0.${added >> 8}.${added & 255}:80`,
    });
    if (status === 201) continue;
    expect(body.error.code).toBe('UpstreamOutOfMemory');
    break;
  }
  expect(added).toBeGreaterThan(10);
  expect(added).toBeLessThan(1000);
  const ids = (await gateway.api.get(SERVERS)).body.map(({ id }: { id: number }) => id);
  expect(ids).toHaveLength(added);
  for (const id of ids)
    expect((await gateway.api.call('PATCH', `${SERVERS}/${id}`, { drain: true })).status).toBe(200);
  for (const id of ids) expect((await gateway.api.call('DELETE', `${SERVERS}/${id}`)).status).toBe(200);
  expect((await gateway.api.call('POST', SERVERS, { server: '10.9.9.9:80' })).status).toBe(201);
});
