import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { type Backend, hostAddress, startGreeter } from './backends.js';
import { type FullGateway, startFullGateway } from './gateway.js';

const GROUP = '/stream/upstreams/mqtt';

/** The MQTT listener turned into one for any protocol, whose group goes by the client's address. */
const ANY_PROTOCOL =
  'sed -i s,gateway/mqtt.conf,gateway/tcp.conf, /etc/nginx/nginx.conf &&' +
  ' sed -i \'s/[$]mqtt_client_id/$remote_addr/\' /etc/nginx/gateway.json && exec nginx -g "daemon off;"';

let network: TestNetwork;
let gateway: FullGateway;
let servers: Backend[];

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startFullGateway(network, ['sh', '-c', ANY_PROTOCOL]);
  const host = await hostAddress(network);
  servers = await Promise.all([0, 1, 2].map(() => startGreeter(host)));
});

afterAll(async () => {
  await Promise.all((servers ?? []).map((server) => server.close()));
  await network?.remove();
});

beforeEach(async () => {
  await gateway.api.clear('stream', 'mqtt');
  for (const { server } of servers) await gateway.api.call('POST', `${GROUP}/servers`, { server });
});

/** Opens a connection and resolves with who greets it. */
async function connect(): Promise<{ socket: net.Socket; greeting: string }> {
  const socket = net.connect(gateway.port('mqtt'), '127.0.0.1');
  const [greeting] = (await once(socket, 'data')) as [Buffer];
  return { socket, greeting: greeting.toString() };
}

type Peer = { id: number; server: string; active: number; connections: number };

async function peers(): Promise<Peer[]> {
  return (await gateway.api.get(GROUP)).body.peers;
}

describe('a protocol in which the server speaks first', () => {
  it('reaches the same server from the same address, and its bytes are counted in both directions', async () => {
    const opened = await Promise.all([connect(), connect(), connect(), connect()]);
    const homes = new Set(opened.map(({ greeting }) => greeting));
    expect(homes.size).toBe(1);
    const peer = (await peers()).find(({ server }) => homes.has(server)) as Peer;
    expect(peer).toMatchObject({ active: 4, connections: 4 });
    for (const { socket } of opened) socket.destroy();
    await until('nothing is active', async () => (await peers()).every(({ active }) => active === 0));
  });

  it('reaches another server once its own is taken down', async () => {
    const first = await connect();
    first.socket.destroy();
    const { id } = (await peers()).find(({ server }) => server === first.greeting) as Peer;
    await gateway.api.call('PATCH', `${GROUP}/servers/${id}`, { down: true });
    const second = await connect();
    second.socket.destroy();
    expect(second.greeting).not.toBe(first.greeting);
  });

  it('is disconnected while there is no server at all', async () => {
    await gateway.api.clear('stream', 'mqtt');
    const socket = net.connect(gateway.port('mqtt'), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'close');
    expect(await peers()).toEqual([]);
  });
});
