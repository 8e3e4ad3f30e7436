import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as mqtt from '../../../src/gateway/model/mqtt.js';
import { hostAddress } from '../../integration/gateway/backends.js';
import { type FullGateway, startFullGateway } from '../../integration/gateway/gateway.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { connectPacket } from '../../support/traffic/connect-packet.js';
import { pieces } from '../inputs/bytes.js';
import { type Connect, connects } from '../inputs/mqtt.js';
import { ACCEPTED, type Acceptance, rejected, type Subject, type Target } from '../target.js';

const CONNACK = Buffer.from([0x20, 2, 0, 0]);
const PINGREQ = Buffer.from([0xc0, 0]);

/** A broker that takes whatever comes, and keeps it. */
class Broker {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  /** The bytes of each session, in the order of their coming. */
  readonly sessions: Buffer[][] = [];

  constructor() {
    this.#server = createServer((socket) => {
      const received: Buffer[] = [];
      this.sessions.push(received);
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        // One answer to each chunk: the CONNECT is acknowledged and whatever follows is answered.
        received.push(chunk);
        socket.write(CONNACK);
      });
    });
  }

  async listen(host: string): Promise<string> {
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
    return `${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

type Outcome = 'answered' | 'closed' | 'silent';

class GatewayMqtt implements Subject<Connect> {
  readonly #network: TestNetwork;
  readonly #gateway: FullGateway;
  readonly #broker: Broker;
  #bystander!: Socket;
  #workers = '';

  private constructor(network: TestNetwork, gateway: FullGateway, broker: Broker) {
    this.#network = network;
    this.#gateway = gateway;
    this.#broker = broker;
  }

  static async open(): Promise<GatewayMqtt> {
    const network = await startNetwork('sidekick-fuzz');
    const gateway = await startFullGateway(network);
    const broker = new Broker();
    const server = await broker.listen(await hostAddress(network));
    await gateway.api.call('POST', '/stream/upstreams/mqtt/servers', { server });
    const subject = new GatewayMqtt(network, gateway, broker);
    subject.#bystander = await subject.#dial();
    await subject.#asks(connectPacket('bystander'));
    subject.#workers = await subject.#pids();
    return subject;
  }

  readonly judge = async ({ bytes, cuts, valid }: Connect): Promise<Acceptance> => {
    const known = this.#broker.sessions.length;
    const word = mqtt.parse(bytes);
    const outcome = await this.#offer(bytes, cuts, word === undefined);
    const arrived = () => Buffer.concat(this.#broker.sessions.slice(known).flat());
    await this.#asks(PINGREQ);
    if ((await this.#pids()) !== this.#workers) throw new Error('a worker has died');
    if (outcome === 'answered') {
      // The gateway has let the rest go on behind the part that holds the ClientId.
      await until('the broker has every byte', () => arrived().equals(bytes), { timeoutMs: 10_000 });
      return ACCEPTED;
    }
    if (valid) throw new Error(`a CONNECT of a client is ${outcome}`);
    if (arrived().length > 0) throw new Error(`refused, and yet the broker got ${arrived().toString('hex')}`);
    if (outcome === 'silent') return rejected('not all has come');
    if (typeof word !== 'object') throw new Error(`closed, although the parser says ${JSON.stringify(word)}`);
    return rejected(word.invalid);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bystander.destroy();
    this.#broker.close();
    await this.#network.remove();
  }

  /** Sends bytes in their pieces; a session of which more is awaited is given up. */
  async #offer(bytes: Buffer, cuts: readonly number[], incomplete: boolean): Promise<Outcome> {
    const socket = await this.#dial();
    try {
      const answered = once(socket, 'data').then(() => 'answered' as const);
      const closed = once(socket, 'close').then(() => 'closed' as const);
      answered.catch(() => {});
      const silent = delay(incomplete ? 60 : 30_000, 'silent' as const, { ref: false });
      for (const piece of pieces(bytes, cuts)) {
        socket.write(piece);
        await delay(1);
      }
      return await Promise.race([answered, closed, silent]);
    } finally {
      // Ended and not reset, so that what is on its way arrives.
      socket.end();
    }
  }

  async #dial(): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: this.#gateway.port('mqtt'), noDelay: true });
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  }

  /** The session beside: it is answered, whatever others send. */
  async #asks(question: Buffer): Promise<void> {
    const answer = once(this.#bystander, 'data');
    this.#bystander.write(question);
    await answer;
  }

  async #pids(): Promise<string> {
    const { body } = await this.#gateway.api.get('/workers');
    return JSON.stringify(body.map(({ pid }: { pid: number }) => pid).sort());
  }
}

export const gatewayMqtt: Target<Connect> = {
  name: 'gateway-mqtt',
  about: 'CONNECT packets, to a gateway before a broker',
  inputs: connects,
  short: 40,
  bound: 60_000,
  open: () => GatewayMqtt.open(),
};
