import { once } from 'node:events';
import https from 'node:https';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { hostAddress, startHttp } from './backends.js';
import { startFullGateway } from './gateway.js';

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
});

afterEach(async () => {
  await network?.remove();
});

const HTTP = '/http/upstreams/firmware/servers';
const STREAM = '/stream/upstreams/mqtt/servers';

describe('the state of the gateway', () => {
  it('survives a reload and a restart, not a new container, and the instance tells each from the other', async () => {
    const { container, api } = await startFullGateway(network);
    await api.call('POST', HTTP, { server: '10.9.9.1', weight: 3, route: 'a b' });
    await api.call('POST', HTTP, { server: '10.9.9.2', drain: true });
    await api.call('POST', STREAM, { server: '10.9.9.3:1883', down: true });
    await api.call('POST', '/http/keyvals/firmware', { 'esp32/stable': '{"version":"1.0.0"}' });
    const read = async () =>
      Promise.all([HTTP, STREAM, '/http/keyvals'].map(async (path) => (await api.get(path)).body));
    const before = await read();
    const first = (await api.get('/nginx')).body;
    const master = await container.exec(['cat', '/run/sidekick-gateway/nginx.pid']);
    expect(first).toMatchObject({ generation: 1, ppid: Number(master.output) });

    await container.signal('SIGHUP');
    await until('the reload shows', async () => (await api.get('/nginx')).body.generation === 2);
    const second = (await api.get('/nginx')).body;
    expect(Date.parse(second.load_timestamp)).toBeGreaterThan(Date.parse(first.load_timestamp));
    expect(await read()).toEqual(before);

    await container.kill();
    await container.start();
    const third = (await api.get('/nginx')).body;
    expect(third.generation).toBe(1);
    expect(Date.parse(third.load_timestamp)).toBeGreaterThan(Date.parse(second.load_timestamp));
    expect(await read()).toEqual(before);

    await container.replace();
    expect(await read()).toEqual([[], [], { firmware: {} }]);
  });

  it('is served at once after a restart', async () => {
    const backend = await startHttp(await hostAddress(network));
    const gateway = await startFullGateway(network);
    await gateway.api.call('POST', HTTP, { server: backend.server });
    await gateway.container.kill();
    await gateway.container.start();
    const response = await fetch(`http://127.0.0.1:${gateway.port('http')}`);
    expect([response.status, await response.text()]).toEqual([200, backend.server]);
    await backend.close();
  });
});

describe('a connection kept open', () => {
  it('carries many requests, only to a server in rotation, and only while it is in rotation', async () => {
    const host = await hostAddress(network);
    const [first, second, third] = [await startHttp(host), await startHttp(host), await startHttp(host)];
    const gateway = await startFullGateway(network);
    const { api, container } = gateway;
    const get = async () => (await fetch(`http://127.0.0.1:${gateway.port('http')}`)).text();
    const ids = [];
    for (const { server } of [first, second]) ids.push((await api.call('POST', HTTP, { server })).body.id);
    for (let i = 0; i < 10; i++) await get();
    expect([first.connections, second.connections]).toEqual([5, 5]);

    await container.exec(['gateway-keepalive', 'now']);
    await until('the reload shows', async () => (await api.get('/nginx')).body.generation === 2);
    for (let i = 0; i < 100; i++) await get();
    expect([first.hits, second.hits]).toEqual([55, 55]);
    // At most one more for each worker.
    expect(first.connections + second.connections).toBeLessThan(10 + 2 * 32);
    expect(first.connections + second.connections).toBeLessThan(60);

    await api.call('PATCH', `${HTTP}/${ids[0]}`, { drain: true });
    await api.call('POST', HTTP, { server: third.server });
    const answers = new Set<string>();
    for (let i = 0; i < 20; i++) answers.add(await get());
    expect(answers).toEqual(new Set([second.server, third.server]));

    await second.close();
    for (let i = 0; i < 20; i++) expect(await get()).toBe(third.server);
    await until('nothing is active', async () =>
      (await api.get('/http/upstreams/firmware')).body.peers.every(
        (peer: { active: number }) => peer.active === 0,
      ),
    );
    await Promise.all([first.close(), third.close()]);
  });

  it('is configured automatically when that is switched on', async () => {
    const backend = await startHttp(await hostAddress(network));
    const { api, container } = await startFullGateway(network, undefined, {
      environment: { GATEWAY_KEEPALIVE: '1' },
    });
    await api.call('POST', HTTP, { server: backend.server });
    await until('NGINX knows it', async () =>
      (await container.exec(['cat', '/run/sidekick-gateway/kept.map'])).output.includes(backend.server),
    );
    await backend.close();
  });
});

describe('a graceful end', () => {
  it('answers an open request first', async () => {
    let answer = () => {};
    const backend = await startHttp(await hostAddress(network), (_, response) => {
      answer = () => response.end('late');
    });
    const gateway = await startFullGateway(network);
    await gateway.api.call('POST', HTTP, { server: backend.server });
    const pending = fetch(`http://127.0.0.1:${gateway.port('http')}`);
    await until('it has arrived', () => backend.hits === 1);
    const stopped = gateway.container.stop();
    await gateway.container.logs.waitFor(/gracefully shutting down/);
    answer();
    expect(await (await pending).text()).toBe('late');
    expect(await stopped).toBe(0);
    await backend.close();
  });
});

describe('the API', () => {
  it('is read-only unless api_write is on', async () => {
    const { api } = await startFullGateway(network, [
      'sh',
      '-c',
      "sed -i 's/set $api_write on/set $api_write off/' /etc/nginx/nginx.conf && exec nginx -g 'daemon off;'",
    ]);
    for (const path of [HTTP, STREAM, '/http/keyvals/firmware'])
      expect(await api.call('POST', path, { server: '10.9.9.1:80' })).toMatchObject({
        status: 405,
        body: { error: { code: 'MethodDisabled', text: 'method disabled' } },
      });
    expect((await api.get(HTTP)).body).toEqual([]);
  });
});

describe('a new declaration', () => {
  it('takes effect for servers, methods and expiring zones, also at a reload', async () => {
    const declare = (from: string, to: string) => `sed -i 's/${from}/${to}/' /etc/nginx/gateway.json`;
    const gateway = await startFullGateway(network, [
      'sh',
      '-c',
      [
        declare('"backend": {}', '"backend": { "servers": ["10.9.9.1 weight=2", "10.9.9.2:81 drain"] }'),
        declare('"firmware": {},', '"firmware": { "method": "hash", "key": "$arg_device" },'),
        declare('"firmware": {}$', '"firmware": { "timeout": "1h" }'),
        "exec nginx -g 'daemon off;'",
      ].join(' && '),
    ]);
    const { api, container } = gateway;
    expect((await api.get('/http/upstreams/backend/servers')).body).toMatchObject([
      { id: 0, server: '10.9.9.1:80', weight: 2 },
      { id: 1, server: '10.9.9.2:81', drain: true },
    ]);

    const host = await hostAddress(network);
    const backends = await Promise.all([0, 1, 2].map(() => startHttp(host)));
    for (const { server } of backends) await api.call('POST', HTTP, { server });
    const ask = async (device: number) =>
      (await fetch(`http://127.0.0.1:${gateway.port('http')}/?device=${device}`)).text();
    const askAll = () => Promise.all(Array.from({ length: 30 }, (_, device) => ask(device)));
    let homes = await askAll();
    await until('the table has all three', async () => {
      const before = homes;
      homes = await askAll();
      return new Set(homes).size === 3 && String(homes) === String(before);
    });
    expect(new Set(homes).size).toBe(3);
    expect(await Promise.all(homes.map((_, device) => ask(device)))).toEqual(homes);

    await api.call('POST', '/http/keyvals/firmware', { short: { value: 'x', expire: 1 } });
    await until(
      'it lapses',
      async () => Object.keys((await api.get('/http/keyvals/firmware')).body).length === 0,
    );

    await container.exec(['sh', '-c', declare('"hash", "key": "$arg_device"', '"least_conn"')]);
    await container.signal('SIGHUP');
    await until('a device changes its server', async () => (await ask(0)) !== homes[0]);
    await Promise.all(backends.map((backend) => backend.close()));
  });
});

describe('HTTPS', () => {
  it('serves the same group', async () => {
    const backend = await startHttp(await hostAddress(network));
    const gateway = await startFullGateway(network);
    await gateway.api.call('POST', HTTP, { server: backend.server });
    const request = https.get({ port: gateway.port('https'), host: '127.0.0.1', rejectUnauthorized: false });
    const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    await backend.close();
  });
});
