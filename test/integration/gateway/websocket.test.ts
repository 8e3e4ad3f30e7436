/** Connections that are upgraded or may be silent for long. */
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { connectAsync } from 'mqtt';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startContainer, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { type Backend, type Handler, hostAddress, startHttp } from './backends.js';
import { type FullGateway, startFullGateway } from './gateway.js';

const GROUP = '/http/upstreams/firmware/servers';
const BROKERS = '/http/upstreams/mqtt-websocket/servers';

/** Silence ends a connection after a second, but for those that websocket.conf serves. */
const OWN =
  'proxy_read_timeout 1s; location = /ws { set $upstream firmware; include gateway/websocket.conf; }';
const IMPATIENT = `sed -i '0,/include gateway.server.conf;/s,,& ${OWN},' /etc/nginx/nginx.conf && exec nginx -g "daemon off;"`;

let network: TestNetwork;
let gateway: FullGateway;
let host: string;
let backends: Backend[];

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startFullGateway(network, ['sh', '-c', IMPATIENT]);
  host = await hostAddress(network);
  const broker = await startContainer({
    image: 'sidekick-mosquitto',
    name: 'broker',
    network,
    entrypoint: ['sh', '-c', `printf '%s\\n' "$@" >/tmp/own.conf && exec mosquitto -c /tmp/own.conf`, 'sh'],
    command: ['listener 8083', 'protocol websockets', 'allow_anonymous true'],
    ready: ({ logs }, from) => logs.waitFor(/mosquitto version \S+ running/, { from }),
  });
  await gateway.api.call('POST', BROKERS, { server: `${broker.ip}:8083` });
});

afterAll(async () => {
  await network?.remove();
});

beforeEach(async () => {
  backends = [];
  await gateway.api.clear('http', 'firmware');
});

afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close()));
});

async function serve(handler: Handler): Promise<Backend> {
  const backend = await startHttp(host, handler);
  backends.push(backend);
  await gateway.api.call('POST', GROUP, { server: backend.server });
  return backend;
}

/** A server that upgrades whoever asks for it, sends back what comes, and answers nothing else. */
async function serveEcho(): Promise<void> {
  const server = http.createServer();
  const sockets = new Set<net.Socket>();
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('error', () => {}).pipe(socket);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, host);
  await once(server, 'listening');
  const address = `${host}:${(server.address() as net.AddressInfo).port}`;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  backends.push({ server: address, hits: 0, connections: 0, close });
  await gateway.api.call('POST', GROUP, { server: address });
}

/** A request with headers of its own, which resolves with the answer or with the upgraded connection. */
async function request(
  path: string,
  headers: http.OutgoingHttpHeaders = {},
): Promise<[http.IncomingMessage, net.Socket]> {
  const options = { port: gateway.port('http'), path, headers };
  const sent = http.request(options).end();
  return (await Promise.race([once(sent, 'response'), once(sent, 'upgrade')])) as [
    http.IncomingMessage,
    net.Socket,
  ];
}

const WEBSOCKET = { connection: 'Upgrade', upgrade: 'websocket' };

async function echo(socket: net.Socket): Promise<string> {
  socket.write('still here');
  return String((await once(socket, 'data'))[0]);
}

/** Resolves when the gateway has had enough of a request that is not answered, about a second after it came. */
async function waitOutSilence(): Promise<void> {
  const [answer] = await request('/');
  expect(answer.statusCode).toBe(504);
}

describe('MQTT over WebSocket', () => {
  it.each([
    ['http', 'ws'],
    ['https', 'wss'],
  ] as const)('reaches a broker through /mqtt (%s)', async (port, scheme) => {
    const client = await connectAsync(`${scheme}://127.0.0.1:${gateway.port(port)}/mqtt`, {
      rejectUnauthorized: false,
      reconnectPeriod: 0,
    });
    await client.subscribeAsync('topic', { qos: 1 });
    const received = new Promise<string>((resolve) => {
      client.once('message', (_, payload) => resolve(payload.toString()));
    });
    await serve(() => {});
    await waitOutSilence();
    await client.publishAsync('topic', 'hello', { qos: 1 });
    expect(await received).toBe('hello');
    await client.endAsync();
  });
});

describe('a connection of a location that includes websocket.conf', () => {
  it('stays open through a longer silence than other connections', async () => {
    await serveEcho();
    const [, socket] = await request('/ws', WEBSOCKET);
    await waitOutSilence();
    expect(await echo(socket)).toBe('still here');
    socket.destroy();
  });

  it('stays open through a longer silence also when its first server could not be reached', async () => {
    const gone = await startHttp(host);
    await gone.close();
    await gateway.api.call('POST', GROUP, { server: gone.server, max_fails: 0 });
    await serveEcho();
    const sockets = [];
    for (let i = 0; i < 2; i++) sockets.push((await request('/ws', WEBSOCKET))[1]);
    await waitOutSilence();
    for (const socket of sockets) {
      expect(await echo(socket)).toBe('still here');
      socket.destroy();
    }
    const { peers } = (await gateway.api.get('/http/upstreams/firmware')).body;
    expect(peers[0].fails).toBeGreaterThan(0);
  });

  it('receives events as the server sends them', async () => {
    let event = () => {};
    await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      event = () => response.write('data: x\n\n');
      event();
    });
    const [answer] = await request('/ws');
    for (let i = 0; i < 3; i++) {
      expect(String((await once(answer, 'data'))[0])).toBe('data: x\n\n');
      event();
    }
    answer.destroy();
  });
});

describe('the gateway', () => {
  /** The headers that reach a server. */
  async function seen(headers: http.OutgoingHttpHeaders): Promise<http.IncomingHttpHeaders> {
    let arrived: http.IncomingHttpHeaders = {};
    await serve((received, response) => {
      arrived = received.headers;
      response.end();
    });
    expect((await request('/', headers))[0].statusCode).toBe(200);
    return arrived;
  }

  it.each(['h2c', 'h2c, websocket', 'websocket, h2c', 'TLS/1.0', 'websocket/13', 'websockets'])(
    'does not forward an upgrade to %s',
    async (upgrade) => {
      const headers = await seen({
        connection: 'Upgrade, HTTP2-Settings',
        upgrade,
        'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
      });
      expect(headers).not.toHaveProperty('upgrade');
      expect(headers).not.toHaveProperty('http2-settings');
      expect(headers).not.toHaveProperty('connection');
    },
  );

  it.each(['websocket', 'WebSocket'])('forwards an upgrade to %s', async (upgrade) => {
    await serveEcho();
    const [answer, socket] = await request('/', { ...WEBSOCKET, upgrade });
    expect(answer.statusCode).toBe(101);
    expect(await echo(socket)).toBe('still here');
    socket.destroy();
  });
});
