import { generate, type IConnectPacket } from 'mqtt-packet';

/** The CONNECT packet of an MQTT client. */
export function connectPacket(clientId: string, more: Partial<IConnectPacket> = {}): Buffer {
  return generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: 60,
    ...more,
  } as IConnectPacket);
}
