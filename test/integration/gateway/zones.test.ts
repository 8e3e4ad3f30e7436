/** What the API shows of traffic in zones, over TLS and by worker: on real requests and sessions. */

import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { type Backend, hostAddress, startHttp, startMqtt } from './backends.js';
import { type FullGateway, startFullGateway } from './gateway.js';
import { openSession } from './sessions.js';

/** A location that limits and one that caches, in a zone each. */
const EXTRA = `
    proxy_cache_path /tmp/cache keys_zone=files:1m;
    limit_req_zone $remote_addr zone=one:1m rate=1r/m;
    server {
        listen 80 default_server;
        listen 443 ssl default_server;
        include gateway/tls.conf;
        set $server_zone web;
        include gateway/server.conf;
        location /limited { set $location_zone limited; set $limit_req_zone one; limit_req zone=one; set $upstream firmware; include gateway/proxy.conf; }
        location /cached {
            set $cache_zone files; set $upstream firmware;
            proxy_cache files; proxy_cache_valid 1h;
            include gateway/proxy.conf;
        }
        location / { set $upstream firmware; include gateway/proxy.conf; }
    }
`.replaceAll('\n', ' ');

let network: TestNetwork;
let gateway: FullGateway;
let firmware: Backend;
let broker: Backend;

beforeAll(async () => {
  network = await startNetwork();
  const host = await hostAddress(network);
  const script = `sed -i '0,/    server {/s//EXTRA_HERE\\n    server {/' /etc/nginx/nginx.conf && awk -v e="$1" '{ if ($0 == "EXTRA_HERE") print e; else print }' /etc/nginx/nginx.conf >/tmp/n && cp /tmp/n /etc/nginx/nginx.conf && exec nginx -g 'daemon off;'`;
  gateway = await startFullGateway(network, ['sh', '-c', script, 'sh', EXTRA]);
  firmware = await startHttp(host, (incoming, response) => {
    response.statusCode = incoming.url === '/missing' ? 404 : 200;
    response.end('x'.repeat(1000));
  });
  broker = await startMqtt(host);
  await gateway.api.call('POST', '/http/upstreams/firmware/servers', { server: firmware.server });
  await gateway.api.call('POST', '/stream/upstreams/mqtt/servers', { server: broker.server });
});

afterAll(async () => {
  await Promise.all([firmware?.close(), broker?.close()]);
  await network?.remove();
});

/** More requests, each on a connection of its own, than come by chance. */
const MANY = 30;

async function get(path: string, port: 'http' | 'https' = 'http'): Promise<number> {
  const scheme = port === 'https' ? 'https' : 'http';
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const answer = await request(`${scheme}://127.0.0.1:${gateway.port(port)}${path}`, { dispatcher });
  await answer.body.text();
  await dispatcher.close();
  return answer.statusCode;
}

const figures = async (path: string) => (await gateway.api.get(path)).body;

it('the API counts the requests of a server, by status, and the handshakes', async () => {
  for (const path of ['/', '/missing']) await get(path);
  for (let i = 0; i < 3; i++) await get('/', 'https');
  await until('all are counted', async () => (await figures('/http/server_zones')).web?.requests === 5);
  const web = await figures('/http/server_zones/web');
  expect(web).toMatchObject({
    processing: 0,
    responses: { '2xx': 4, '4xx': 1, codes: { 200: 4, 404: 1 }, total: 5 },
    discarded: 0,
    ssl: { handshakes: 3 },
  });
  expect(web.sent).toBeGreaterThan(5000);
  expect((await figures('/ssl')).handshakes).toBe(3);
  expect((await gateway.api.call('DELETE', '/http/server_zones/web')).status).toBe(204);
  expect(await figures('/http/server_zones/web')).toMatchObject({ requests: 0, sent: 0 });
  expect((await gateway.api.call('DELETE', '/ssl')).status).toBe(204);
  expect(await figures('/ssl')).toMatchObject({ handshakes: 0 });
});

it('the API counts the decisions of a limit', async () => {
  expect([await get('/limited'), await get('/limited')]).toEqual([200, 503]);
  await until('both are counted', async () => (await figures('/http/limit_reqs')).one?.rejected === 1);
  expect(await figures('/http/limit_reqs/one')).toMatchObject({ passed: 1, delayed: 0, rejected: 1 });
  expect(await figures('/http/location_zones/limited')).toMatchObject({ requests: 2 });
});

it('the API counts the answers of a cache', async () => {
  for (let i = 0; i < 3; i++) await get('/cached');
  await until('all are counted', async () => (await figures('/http/caches')).files?.hit.responses === 2);
  expect(await figures('/http/caches/files')).toMatchObject({
    hit: { responses: 2, bytes: 2000 },
    miss: { responses: 1, bytes: 1000 },
    bypass: { responses: 0, bytes: 0 },
  });
});

it('the API counts the sessions of a stream server, while they are open and after they end', async () => {
  const session = await openSession(gateway.port('mqtt'), 'sensor-1');
  await until('it is open', async () => (await figures('/stream/server_zones')).mqtt?.processing === 1);
  session.socket.destroy();
  await until('it is over', async () => (await figures('/stream/server_zones/mqtt')).processing === 0);
  expect(await figures('/stream/server_zones/mqtt')).toMatchObject({
    connections: 1,
    sessions: { '2xx': 1, total: 1 },
  });
});

it('the API counts requests by worker, and resets these counters', async () => {
  const sum = async () => {
    const workers = (await figures('/workers')) as { http: { requests: { total: number } } }[];
    return workers.reduce((total, { http }) => total + http.requests.total, 0);
  };
  const before = await sum();
  for (let i = 0; i < MANY; i++) await get('/');
  await until('all are counted', async () => (await sum()) >= before + MANY);
  // The health check of the image asks, too, whenever it is due.
  expect((await gateway.api.call('DELETE', '/connections')).status).toBe(204);
  expect((await figures('/connections')).accepted).toBeLessThan(MANY);
  expect((await gateway.api.call('DELETE', '/http/requests')).status).toBe(204);
  expect((await figures('/http/requests')).total).toBeLessThan(MANY);
});

it('the API shows the shared memory of both blocks', async () => {
  const slabs = await figures('/slabs');
  expect(Object.keys(slabs)).toEqual(expect.arrayContaining(['http_tables', 'stream_counters']));
  expect(slabs.http_tables.pages.used).toBeGreaterThan(0);
  expect((await gateway.api.get('/slabs/nonesuch')).body.error.code).toBe('SlabNotFound');
});
