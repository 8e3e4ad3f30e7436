/** Servers that are well, and servers that are ill in the ways that servers are. */
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTls, type TlsOptions } from 'node:tls';
import mqtt, { type IConnectPacket } from 'mqtt-packet';

interface Listening extends AsyncDisposable {
  readonly target: string;
  /** Connections so far. */
  readonly connections: () => number;
}

async function listen(server: Server, port = 0): Promise<Listening> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function http(handler: RequestListener, tls?: TlsOptions): Promise<Listening> {
  return listen(tls ? createHttps(tls, handler) : createHttp(handler));
}

export function tcp(
  onSocket: (socket: Socket) => void = () => undefined,
  tls?: TlsOptions,
  port?: number,
): Promise<Listening> {
  return listen(tls ? createTls(tls, onSocket) : createServer(onSocket), port);
}

interface Broker extends Listening {
  readonly connects: IConnectPacket[];
  /** The commands received, in order. */
  readonly commands: string[];
}

interface BrokerBehaviour {
  /** What every CONNECT is answered with; default 0. */
  readonly code?: number;
  /** Default: any that is free. */
  readonly port?: number;
  /** While it is so, nothing is answered. */
  readonly isFrozen?: () => boolean;
  readonly tls?: TlsOptions;
}

/** A broker that answers CONNECT and PINGREQ. */
export async function broker({ code = 0, port = 0, isFrozen, tls }: BrokerBehaviour = {}): Promise<Broker> {
  const connects: IConnectPacket[] = [];
  const commands: string[] = [];
  const listening = await tcp(
    (socket) => {
      const parser = mqtt.parser();
      parser.on('packet', (packet) => {
        commands.push(packet.cmd);
        if (isFrozen?.()) return;
        if (packet.cmd === 'pingreq') socket.write(mqtt.generate({ cmd: 'pingresp' }));
        if (packet.cmd !== 'connect') return;
        connects.push(packet);
        const version = packet.protocolVersion ?? 4;
        const answer = { cmd: 'connack', sessionPresent: false, returnCode: code, reasonCode: code } as const;
        socket.write(mqtt.generate(answer, { protocolVersion: version }));
      });
      socket.on('data', (chunk) => parser.parse(chunk));
    },
    tls,
    port,
  );
  return Object.assign(listening, { connects, commands });
}
