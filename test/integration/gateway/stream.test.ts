import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../contract/gateway/client.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { type Backend, hostAddress, startMqtt } from './backends.js';
import { type FullGateway, startFullGateway } from './gateway.js';
import { openSession, type Session } from './sessions.js';

/** Prints the pids of the workers. */
const WORKERS = 'cat /proc/$(cat /run/sidekick-gateway/nginx.pid)/task/*/children';

const GROUP = '/stream/upstreams/mqtt';

let network: TestNetwork;
let gateway: FullGateway;
let api: ApiClient;
let host: string;
let brokers: Backend[];
let sessions: Session[];

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startFullGateway(network);
  api = gateway.api;
  host = await hostAddress(network);
});

afterAll(async () => {
  await network?.remove();
});

beforeEach(async () => {
  sessions = [];
  await api.clear('stream', 'mqtt');
  brokers = await Promise.all([0, 1, 2].map(() => startMqtt(host)));
  for (const { server } of brokers) await api.call('POST', `${GROUP}/servers`, { server });
});

afterEach(async () => {
  for (const { socket } of sessions) socket.destroy();
  await Promise.all(brokers.map((broker) => broker.close()));
});

async function open(clientId: string, options: Parameters<typeof openSession>[2] = {}): Promise<Session> {
  const session = await openSession(gateway.port('mqtt'), clientId, options);
  sessions.push(session);
  return session;
}

/** Whom each client is sent to, with a session opened and closed for it. */
async function homes(clients: string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const client of clients) {
    const session = await openSession(gateway.port('mqtt'), client);
    found.set(client, session.broker);
    session.socket.destroy();
  }
  return found;
}

const CLIENTS = Array.from({ length: 60 }, (_, i) => `device-${i}`);

type Peer = Record<string, unknown> & { id: number; server: string; active: number };

async function peers(): Promise<Peer[]> {
  return (await api.get(GROUP)).body.peers;
}

describe('the gateway as a balancer of MQTT', () => {
  it('sends a client to the same broker, whatever worker serves it, however its packet is split', async () => {
    const first = await homes(CLIENTS);
    expect(new Set(first.values()).size).toBe(3);
    expect(await homes(CLIENTS)).toEqual(first);
    for (const client of CLIENTS.slice(0, 5)) {
      expect((await open(client, { chunk: 1 })).broker).toBe(first.get(client));
      expect((await open(client, { chunk: 7 })).broker).toBe(first.get(client));
    }
  });

  it('leaves a client on its broker when another one goes, and sends it back when its own returns', async () => {
    const before = await homes(CLIENTS);
    const { id, server } = (await peers())[0] as Peer;
    await api.call('PATCH', `${GROUP}/servers/${id}`, { down: true });
    for (const [client, home] of await homes(CLIENTS)) {
      expect(home).not.toBe(server);
      if (before.get(client) !== server) expect(home).toBe(before.get(client));
    }
    await api.call('PATCH', `${GROUP}/servers/${id}`, { down: false });
    expect(await homes(CLIENTS)).toEqual(before);
  });

  it('sends a client to its broker by its id over a reload and a restart', async () => {
    const before = await homes(CLIENTS);
    const { generation } = (await api.get('/nginx')).body;
    await gateway.container.signal('SIGHUP');
    await until(
      'the new workers answer',
      async () => (await api.get('/nginx')).body.generation === generation + 1,
    );
    expect(await homes(CLIENTS)).toEqual(before);
    expect(await gateway.container.stop()).toBe(0);
    await gateway.container.start();
    expect(await homes(CLIENTS)).toEqual(before);
  });

  it('selects the broker of a client without an id by its address', async () => {
    expect(new Set((await homes(['', '', ''])).values()).size).toBe(1);
  });

  it.each([
    ['speaks HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['sends PUBLISH first', Buffer.from([0x30, 3, 0, 1, 0x61])],
    [
      'sends a CONNECT of another protocol',
      Buffer.concat([Buffer.from([0x10, 13, 0, 4]), Buffer.from('MQTX'), Buffer.alloc(7)]),
    ],
  ])('disconnects a client that %s before it reaches a broker', async (_, bytes) => {
    const socket = net.connect(gateway.port('mqtt'), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(bytes);
    await once(socket, 'close');
    expect(brokers.map(({ hits }) => hits)).toEqual([0, 0, 0]);
  });

  it('logs the id of a client in the access log', async () => {
    const { socket } = await open('sensor in the cellar');
    socket.end();
    await gateway.container.logs.waitFor(/TCP 200 .*"sensor%20in%20the%20cellar"/);
  });
});

describe('a session', () => {
  it('continues on a broker that is taken down and deleted, whose active count ends at 0', async () => {
    for (const client of CLIENTS) await open(client);
    const { id, server } = (await peers())[0] as Peer;
    const own = sessions.filter(({ broker }) => broker === server);
    expect(own.length).toBeGreaterThan(0);
    expect((await peers())[0]).toMatchObject({ active: own.length, connections: own.length });
    await api.call('PATCH', `${GROUP}/servers/${id}`, { down: true });
    expect((await peers())[0]).toMatchObject({ state: 'down', active: own.length });
    for (const session of own) expect(await session.echo('still here')).toBe('still here');
    own[0]?.socket.end();
    await until('one has gone', async () => (await peers())[0]?.active === own.length - 1);
    await api.call('DELETE', `${GROUP}/servers/${id}`);
    expect((await api.get(GROUP)).body.zombies).toBe(1);
    for (const session of own.slice(1)) expect(await session.echo('and here')).toBe('and here');
    for (const { socket } of sessions) socket.destroy();
    await until('all have gone', async () => {
      const { zombies } = (await api.get(GROUP)).body;
      return zombies === 0 && (await peers()).every(({ active }) => active === 0);
    });
  });

  it('shows how long its broker took', async () => {
    const session = await open('device-1');
    const of = async () => (await peers()).find(({ server }) => server === session.broker);
    expect(await of()).not.toHaveProperty('connect_time');
    session.socket.destroy();
    await until('it is counted out', async () => (await of())?.active === 0);
    expect(await of()).toMatchObject({
      connect_time: expect.any(Number),
      first_byte_time: expect.any(Number),
      response_time: expect.any(Number),
    });
  });

  it('survives a reload', async () => {
    const session = await open('device-1');
    await gateway.container.signal('SIGHUP');
    await until('the old worker retires', async () => (await api.get('/nginx')).body.generation > 1);
    expect(await session.echo('hello')).toBe('hello');
    expect((await peers()).reduce((sum, { active }) => sum + active, 0)).toBe(1);
    session.socket.destroy();
    await until('it is counted out', async () => (await peers()).every(({ active }) => active === 0));
  });

  it('ends with the worker that crashes, and is no longer active', async () => {
    for (const client of CLIENTS.slice(0, 20)) await open(client);
    await gateway.container.exec(['sh', '-c', `kill -9 $(${WORKERS})`]);
    await until('all sessions have ended', () => sessions.every(({ socket }) => socket.destroyed));
    await until('nothing is active', async () => (await peers()).every(({ active }) => active === 0));
    expect((await open('device-1')).broker).toBeDefined();
  });
});

describe('a crash of a worker', () => {
  it('is counted', async () => {
    const respawned = async () => (await api.get('/processes')).body.respawned as number;
    const before = await respawned();
    // Workers are looked at once a second; one that did not live to be seen is not missed, so it takes several.
    await until('a crash shows', async () => {
      await gateway.container.exec(['sh', '-c', `kill -9 $(${WORKERS} | cut -d' ' -f1)`]);
      return (await respawned()) > before;
    });
  });
});

describe('a broker that cannot be reached', () => {
  it('becomes unavailable after a failure, and its clients get another broker', async () => {
    await brokers[0]?.close();
    const dead = brokers.shift() as Backend;
    // Its first client finds it dead; how many more do depends on how soon that is noticed.
    await until('all clients get through', async () => {
      const reached = await Promise.allSettled(
        CLIENTS.map((client) => openSession(gateway.port('mqtt'), client)),
      );
      for (const result of reached) if (result.status === 'fulfilled') result.value.socket.destroy();
      return reached.every(({ status }) => status === 'fulfilled');
    });
    const peer = (await peers()).find(({ server }) => server === dead.server);
    expect(peer).toMatchObject({ state: 'unavail', unavail: 1, active: 0 });
    expect(peer?.fails as number).toBeGreaterThan(0);
  });
});

describe('a broker that fails while there is no other', () => {
  it('is tried again and again', async () => {
    const [only, ...others] = await peers();
    await api.call('PATCH', `${GROUP}/servers/${only?.id}`, { fail_timeout: '1h' });
    for (const { id } of others) await api.call('PATCH', `${GROUP}/servers/${id}`, { down: true });
    const [broker] = brokers.splice(0, 1) as [Backend];
    await broker.close();
    await expect(openSession(gateway.port('mqtt'), 'device-1')).rejects.toThrow('closed');
    await until('the failure is noticed', async () => (await peers())[0]?.fails === 1);
    brokers.push(await startMqtt(host, Number(broker.server.split(':')[1])));
    for (const client of CLIENTS.slice(0, 10)) expect((await open(client)).broker).toBe(broker.server);
    expect((await peers())[0]).toMatchObject({ state: 'up', unavail: 0 });
  });
});

describe('MQTT over TLS', () => {
  it('reaches the same brokers', async () => {
    const plain = await homes(CLIENTS.slice(0, 10));
    for (const [client, home] of plain) {
      const session = await openSession(gateway.port('mqtts'), client, { secure: true });
      sessions.push(session);
      expect(session.broker).toBe(home);
      expect(await session.echo('secret')).toBe('secret');
    }
  });
});
