/** NGINX's own Prometheus exporter, built for NGINX Plus and unchanged, in front of the gateway. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { type Backend, hostAddress, startHttp, startMqtt } from './backends.js';
import { type FullGateway, startFullGateway } from './gateway.js';
import { openSession } from './sessions.js';

const PORT = 9113;

let network: TestNetwork;
let gateway: FullGateway;
let exporter: Container;
let firmware: Backend;
let broker: Backend;

async function scrape(of: Container): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${of.port(PORT)}/metrics`);
  return response.text();
}

/** Value of a metric of a server, as the exporter has it at the moment; `NaN` when it does not have it. */
async function metric(name: string, server: string, labels = ''): Promise<number> {
  const found = (await scrape(exporter))
    .split('\n')
    .find((line) => line.startsWith(`nginxplus_${name}{${labels}`) && line.includes(`server="${server}"`));
  return Number(found?.split(' ').at(-1) ?? Number.NaN);
}

beforeAll(async () => {
  network = await startNetwork();
  const host = await hostAddress(network);
  gateway = await startFullGateway(network);
  firmware = await startHttp(host, (request, response) => {
    response.statusCode = request.url === '/missing' ? 404 : 200;
    setTimeout(() => response.end('firmware'), 50);
  });
  broker = await startMqtt(host);
  await gateway.api.call('POST', '/http/upstreams/firmware/servers', { server: firmware.server });
  await gateway.api.call('POST', '/stream/upstreams/mqtt/servers', { server: broker.server });
  exporter = await startContainer({
    image: 'sidekick-exporter',
    name: 'exporter',
    network,
    ports: [PORT],
    command: ['--nginx.scrape-uri=http://gateway:8080/api'],
    ready: (self) =>
      until('the exporter answers', async () => (await scrape(self)).includes('nginxplus_up 1')),
  });
});

afterAll(async () => {
  await Promise.all([firmware?.close(), broker?.close()]);
  await network?.remove();
});

describe('the Prometheus exporter for NGINX Plus', () => {
  it('reports the true figures of an http server', async () => {
    const url = `http://127.0.0.1:${gateway.port('http')}`;
    for (const path of ['/', '/', '/', '/missing']) await (await fetch(url + path)).text();
    await until('all are over', async () => (await metric('upstream_server_active', firmware.server)) === 0);
    expect(await metric('upstream_server_requests', firmware.server)).toBe(4);
    expect(await metric('upstream_server_responses', firmware.server, 'code="2xx"')).toBe(3);
    expect(await metric('upstream_server_responses', firmware.server, 'code="4xx"')).toBe(1);
    expect(await metric('upstream_server_state', firmware.server)).toBe(1);
    expect(await metric('upstream_server_sent', firmware.server)).toBeGreaterThan(100);
    expect(await metric('upstream_server_received', firmware.server)).toBeGreaterThan(100);
    expect(await metric('upstream_server_response_time', firmware.server)).toBeGreaterThanOrEqual(50);
    expect(await metric('upstream_server_header_time', firmware.server)).toBeGreaterThanOrEqual(50);
  });

  it('reports a draining server', async () => {
    await gateway.api.call('PATCH', '/http/upstreams/firmware/servers/0', { drain: true });
    expect(await metric('upstream_server_state', firmware.server)).toBe(2);
    await gateway.api.call('PATCH', '/http/upstreams/firmware/servers/0', { drain: false });
    expect(await metric('upstream_server_state', firmware.server)).toBe(1);
  });

  it('reports the true figures of a broker', async () => {
    const session = await openSession(gateway.port('mqtt'), 'sensor-17');
    expect(await metric('stream_upstream_server_active', broker.server)).toBe(1);
    expect(await metric('stream_upstream_server_connections', broker.server)).toBe(1);
    session.socket.destroy();
    await until(
      'it is over',
      async () => (await metric('stream_upstream_server_active', broker.server)) === 0,
    );
    expect(await metric('stream_upstream_server_sent', broker.server)).toBeGreaterThan(10);
  });

  it('reports the groups and the totals of NGINX', async () => {
    const text = await scrape(exporter);
    expect(text).toContain('nginxplus_upstream_zombies{upstream="firmware"} 0');
    expect(text).toContain('nginxplus_stream_upstream_zombies{upstream="mqtt"} 0');
    expect(Number(/^nginxplus_http_requests_total (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(4);
    expect(Number(/^nginxplus_connections_active (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
  });
});
