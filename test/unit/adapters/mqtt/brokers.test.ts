import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import mqtt, { type Packet } from 'mqtt-packet';
import { afterEach, describe, expect, it } from 'vitest';
import { MqttBrokers } from '../../../../src/adapters/mqtt/brokers.js';
import { NEVER } from '../../../../src/async/abort.js';
import type { Address } from '../../../../src/core/address.js';

/** A broker of which a test says what it answers; undefined: nothing. */
class ScriptedBroker implements AsyncDisposable {
  readonly received: Packet[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: (packet: Packet) => Packet | undefined) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      const parser = mqtt.parser();
      parser.on('packet', (packet) => {
        this.received.push(packet);
        const reply = answer(packet);
        if (reply !== undefined) socket.write(mqtt.generate(reply));
      });
      socket.on('data', (chunk) => parser.parse(chunk));
      socket.on('error', () => {});
    });
  }

  static async start(answer: (packet: Packet) => Packet | undefined): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(answer);
    broker.#server.listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    return broker;
  }

  get address(): Address {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}` as Address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Takes every session, and acknowledges all but publications. */
function withoutPuback(packet: Packet): Packet | undefined {
  if (packet.cmd === 'connect') return { cmd: 'connack', returnCode: 0, sessionPresent: false };
  if (packet.cmd === 'subscribe') return { cmd: 'suback', messageId: packet.messageId ?? 0, granted: [0] };
  return undefined;
}

const brokers = new MqttBrokers(() => ({ clientId: 'sidekick1', username: 'watcher', password: 'secret' }));

describe('a session with a broker', () => {
  const controllers: AbortController[] = [];

  afterEach(() => {
    for (const controller of controllers.splice(0)) controller.abort();
  });

  function limited(): AbortController {
    const controller = new AbortController();
    controllers.push(controller);
    return controller;
  }

  it('begins with the ClientId and the login that are configured, and ends with a DISCONNECT', async () => {
    await using broker = await ScriptedBroker.start(withoutPuback);
    const session = await brokers.connect(broker.address, () => {}, NEVER);
    await session.subscribe(['firmware/lamp'], NEVER);
    await session.close();
    await session.ended;
    expect(broker.received.map(({ cmd }) => cmd)).toEqual(['connect', 'subscribe', 'disconnect']);
    expect(broker.received[0]).toMatchObject({
      ...{ protocolVersion: 4, clean: true, clientId: 'sidekick1', username: 'watcher' },
      password: Buffer.from('secret'),
    });
  });

  it('is refused with the reason of the broker', async () => {
    await using broker = await ScriptedBroker.start(() => ({
      ...{ cmd: 'connack' as const, returnCode: 5, sessionPresent: false },
    }));
    await expect(brokers.connect(broker.address, () => {}, NEVER)).rejects.toThrow(/not authori[sz]ed/i);
  });

  it('ends also if the broker acknowledges nothing, so that a stop does not wait for it', async () => {
    await using broker = await ScriptedBroker.start(withoutPuback);
    const session = await brokers.connect(broker.address, () => {}, NEVER);
    const stop = limited();
    const published = session.retain('firmware/lamp', '{}', stop.signal);
    stop.abort(new Error('stopped'));
    await expect(published).rejects.toThrow('stopped');
    await session.close();
    await session.ended;
  });

  it('ends also if the broker never accepts it', async () => {
    await using broker = await ScriptedBroker.start(() => undefined);
    const stop = limited();
    const session = brokers.connect(broker.address, () => {}, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(session).rejects.toThrow('stopped');
  });

  it('says when the broker has ended it', async () => {
    const broker = await ScriptedBroker.start(withoutPuback);
    const session = await brokers.connect(broker.address, () => {}, NEVER);
    await broker[Symbol.asyncDispose]();
    await session.ended;
  });
});
