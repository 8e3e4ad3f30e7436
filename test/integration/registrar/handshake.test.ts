import { connectAsync, type MqttClient } from 'mqtt';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Backend,
  type Etcd,
  FIRMWARE,
  type Gateway,
  type Sidekick,
  startBroker,
  startFirmware,
  startParts,
  startRegister,
  startWatch,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';

let network: TestNetwork;
let etcd: Etcd;
let gateway: Gateway;

beforeAll(async () => {
  ({ network, etcd, gateway } = await startParts());
  await startWatch(network, etcd, gateway, ['--drain-timeout-http', '2m', '--drain-timeout-stream', '6s']);
});
afterAll(() => network?.remove());

interface Host {
  readonly backend: Backend;
  readonly sidekick: Sidekick;
}

async function register(start: typeof startFirmware, numbers: readonly number[]): Promise<Host[]> {
  return Promise.all(
    numbers.map(async (number) => {
      const backend = await start(network, number);
      return { backend, sidekick: await startRegister(network, etcd, backend, ['--drain-timeout', '2m']) };
    }),
  );
}

/** Resolves once the group has exactly these servers. */
async function serves(kind: 'http' | 'stream', upstream: string, hosts: readonly Host[]): Promise<void> {
  const wanted = hosts
    .map(({ backend }) => backend.address)
    .sort()
    .join();
  await until(`${upstream} has ${wanted}`, async () => {
    const servers = await gateway.servers(kind, upstream);
    return (
      servers
        .map(({ server }) => server)
        .sort()
        .join() === wanted
    );
  });
}

describe('SIGTERM under load of HTTP requests', () => {
  it('fails no request, and lets the registrar exit when the last one has ended', async () => {
    const hosts = await register(startFirmware, [1, 2]);
    const [leaving, staying] = hosts as [Host, Host];
    await serves('http', 'firmware', hosts);
    const load = new Load(gateway.httpUrl);
    load.start();
    await until('downloads are under way on the one that leaves', () => load.slowOn('firmware-1') >= 2);

    await leaving.sidekick.container.signal('SIGTERM');
    const code = await leaving.sidekick.container.exited();

    expect(code).toBe(0);
    // It did not wait for a fixed time: what it waited for is over, and was not when it began.
    expect(load.slowOn('firmware-1')).toBe(0);
    expect(leaving.sidekick.events().map(({ event }) => event)).not.toContain('drain-timed-out');
    await serves('http', 'firmware', [staying]);
    const before = load.good;
    await until('the other one serves on', () => load.good > before + 100);
    await load.stop();
    expect(load.failures).toEqual([]);
  });
});

describe('SIGTERM under MQTT sessions', () => {
  it('cuts no session; the registrar exits when the last one has ended or the drain time is over', async () => {
    const hosts = await register(startBroker, [1, 2, 3]);
    const [first, second, third] = hosts as [Host, Host, Host];
    await serves('stream', 'mqtt', hosts);
    const cuts: string[] = [];
    const clients = await Promise.all(
      Array.from({ length: 24 }, (_, index) => openSession(`device-${index}`, cuts)),
    );
    const sessions = (host: Host) => sessionsOn(host.backend.address);
    await until('each broker has some', async () => {
      const counts = await Promise.all(hosts.map(sessions));
      return counts.every((count) => count > 0);
    });

    // Its clients leave by themselves while it is drained: it ends with the last of them.
    const before = await clientsOn(first, clients);
    await first.sidekick.container.signal('SIGTERM');
    await first.sidekick.waitForEvent('drain-started');
    await until('it is drained', async () =>
      (await gateway.servers('stream', 'mqtt')).some(
        ({ server, down }) => server === first.backend.address && down,
      ),
    );
    for (const client of before) await client.endAsync();
    expect(await first.sidekick.container.exited()).toBe(0);

    // Nobody leaves: it ends after the drain time, and the sessions live on.
    await second.sidekick.container.signal('SIGTERM');
    expect(await second.sidekick.container.exited()).toBe(0);
    await serves('stream', 'mqtt', [third]);
    await Promise.all(clients.filter((client) => !before.includes(client)).map(roundTrip));

    expect(cuts).toEqual([]);
    expect(
      [first, second].flatMap(({ sidekick }) => sidekick.events()).map(({ event }) => event),
    ).not.toContain('drain-timed-out');
    await Promise.all(clients.map((client) => client.endAsync()));
  });

  async function sessionsOn(address: string): Promise<number> {
    return (await gateway.peers('stream', 'mqtt')).find(({ server }) => server === address)?.active ?? 0;
  }

  /** The clients on a broker: those that get what is published on the broker itself. */
  async function clientsOn({ backend }: Host, clients: readonly MqttClient[]): Promise<MqttClient[]> {
    const found: MqttClient[] = [];
    const expected = await sessionsOn(backend.address);
    for (const client of clients) client.once('message', () => found.push(client));
    const direct = await connectAsync({ host: '127.0.0.1', port: backend.container.port(1883) });
    await direct.publishAsync('who/is/here', '', { qos: 1 });
    await until('all of them have answered', () => found.length === expected);
    await direct.endAsync();
    return found;
  }

  async function openSession(clientId: string, cuts: string[]): Promise<MqttClient> {
    const client = await connectAsync({
      host: '127.0.0.1',
      port: gateway.mqttPort,
      clientId,
      reconnectPeriod: 0,
      keepalive: 300,
    });
    client.on('close', () => {
      if (!client.disconnecting) cuts.push(clientId);
    });
    client.on('error', () => undefined);
    await client.subscribeAsync(['who/is/here', `echo/${clientId}`], { qos: 1 });
    return client;
  }

  async function roundTrip(client: MqttClient): Promise<void> {
    const heard = new Promise((resolve) => client.once('message', resolve));
    await client.publishAsync(`echo/${client.options.clientId}`, 'still there', { qos: 1 });
    await heard;
  }
});

/** Requests one after the other on some connections, and downloads of four seconds on others. */
class Load {
  readonly failures: string[] = [];
  good = 0;
  readonly #pool: Pool;
  readonly #slow = new Map<string, number>();
  #running = true;
  #loops: Promise<void>[] = [];

  constructor(url: string) {
    this.#pool = new Pool(url, { connections: 20 });
  }

  start(): void {
    for (let index = 0; index < 8; index++) this.#loops.push(this.#repeat(FIRMWARE.small.path));
    for (let index = 0; index < 8; index++) this.#loops.push(this.#repeat(FIRMWARE.slow.path));
  }

  /** Slow downloads under way on a server. */
  slowOn(server: string): number {
    return this.#slow.get(server) ?? 0;
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
    await this.#pool.close();
  }

  async #repeat(path: string): Promise<void> {
    while (this.#running) {
      try {
        await this.#fetch(path);
        this.good++;
      } catch (error) {
        this.failures.push(`${path}: ${String(error)}`);
      }
    }
  }

  async #fetch(path: string): Promise<void> {
    const { statusCode, headers, body } = await this.#pool.request({ path, method: 'GET' });
    const server = path === FIRMWARE.slow.path ? String(headers['x-served-by']) : '';
    this.#slow.set(server, this.slowOn(server) + 1);
    try {
      let received = 0;
      for await (const chunk of body) received += (chunk as Buffer).length;
      if (statusCode !== 200 || received !== Number(headers['content-length'])) {
        throw new Error(`status ${statusCode}, ${received} of ${String(headers['content-length'])} bytes`);
      }
    } finally {
      this.#slow.set(server, this.slowOn(server) - 1);
    }
  }
}
