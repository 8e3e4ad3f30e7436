import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import mqtt, { type IConnackPacket, type IConnectPacket, type Packet } from 'mqtt-packet';
import type { Probe } from '../../core/ports.js';
import { withSocket } from './socket.js';
import type { MqttProbeSpec } from './spec.js';

/** Healthy when the broker accepts a session: CONNECT, CONNACK with code 0, DISCONNECT. */
export function createMqttProbe(spec: MqttProbeSpec): Probe {
  const { target, tls, version = 4 } = spec;
  return (signal) =>
    withSocket(target, tls, signal, async (socket) => {
      const answer = readPacket(socket, version);
      socket.write(mqtt.generate(connectPacket(spec)));
      refuseUnlessAccepted(await answer);
      socket.write(mqtt.generate({ cmd: 'disconnect', reasonCode: 0 }, { protocolVersion: version }));
    });
}

function connectPacket({ version = 4, clientId, username, password }: MqttProbeSpec): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: version,
    // MQTT 3.1.1 guarantees 1 to 23 letters and digits; a broker may refuse a longer one (section 3.1.3.1).
    clientId: clientId ?? `sidekick${randomBytes(6).toString('hex')}`,
    clean: true,
    keepalive: 30,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
  };
}

/** The first packet that comes. Whether the connection holds is seen to by whoever opened it. */
function readPacket(socket: Socket, protocolVersion: 4 | 5): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const parser = mqtt.parser({ protocolVersion });
    parser.on('packet', resolve);
    parser.on('error', (error: unknown) =>
      reject(new Error('answered with something that is not MQTT', { cause: error })),
    );
    socket.on('data', (chunk) => parser.parse(chunk));
  });
}

function refuseUnlessAccepted(packet: Packet): void {
  if (packet.cmd !== 'connack') throw new Error(`answered CONNECT with ${packet.cmd.toUpperCase()}`);
  const { returnCode, reasonCode } = packet as IConnackPacket;
  const code = reasonCode ?? returnCode;
  if (code !== 0) throw new Error(`refused CONNECT with code ${code}`);
}
