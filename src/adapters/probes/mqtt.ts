import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import mqtt, { type IConnackPacket, type IConnectPacket } from 'mqtt-packet';
import type { Probe } from '../../core/ports.js';
import { connack, exchange, PINGRESP, parsePacket } from './mqtt-exchange.js';
import { dial, withSocket } from './socket.js';
import type { MqttProbeSpec } from './spec.js';

/** Healthy when the broker accepts a session: CONNECT, CONNACK with code 0, DISCONNECT. */
export function createMqttProbe(spec: MqttProbeSpec): Probe & { close?(): void } {
  return spec.lasting ? createLastingProbe(spec) : createSingleProbe(spec);
}

function createSingleProbe(spec: MqttProbeSpec): Probe {
  const { target, tls } = spec;
  return (signal) =>
    withSocket(target, tls, signal, async (socket) => {
      await beginSession(socket, spec);
      socket.write(disconnect(spec));
    });
}

/**
 * One session for all probes: CONNECT once, PINGREQ from then on. A session for each probe would write tens of thousands
 * of lines a day into the broker's log.
 */
function createLastingProbe(spec: MqttProbeSpec): Probe & { close(): void } {
  let session: Socket | undefined;
  const drop = () => {
    session?.destroy();
    session = undefined;
  };
  const probe = async (signal: AbortSignal) => {
    signal.throwIfAborted();
    signal.addEventListener('abort', drop, { once: true });
    try {
      if (session?.readyState === 'open')
        await exchange(session, mqtt.generate({ cmd: 'pingreq' }), PINGRESP);
      else {
        drop();
        session = dial(spec.target, spec.tls);
        // A connection that breaks between two probes fails the next one.
        session.on('error', () => {});
        await connected(session, spec.tls !== undefined);
        await beginSession(session, spec);
      }
    } catch (error) {
      drop();
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', drop);
    }
  };
  const close = () => {
    if (session?.readyState === 'open') session.end(disconnect(spec));
    // Closes the connection although the broker does not.
    session?.setTimeout(1_000, drop).unref();
  };
  return Object.assign(probe, { close });
}

function connected(socket: Socket, isTls: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(isTls ? 'secureConnect' : 'connect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

async function beginSession(socket: Socket, spec: MqttProbeSpec): Promise<void> {
  const { version = 4, strangersRefused = false } = spec;
  const answer = await exchange(socket, mqtt.generate(connectPacket(spec)), connack(version));
  const { returnCode, reasonCode } = parsePacket(answer, version) as IConnackPacket;
  const code = reasonCode ?? returnCode ?? 0;
  if (code === 0 || (strangersRefused && STRANGER.has(code))) return;
  throw new Error(`refused CONNECT with code ${code}`);
}

/** Bad user name or password, and not authorised, of 3.1.1 (section 3.2.2.3) and of 5 (section 3.2.2.2). */
const STRANGER: ReadonlySet<number> = new Set([4, 5, 0x86, 0x87]);

function connectPacket({ version = 4, clientId, username, password }: MqttProbeSpec): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: version,
    // MQTT 3.1.1 guarantees 1 to 23 letters and digits; a broker may refuse a longer one (section 3.1.3.1).
    clientId: clientId ?? `sidekick${randomBytes(6).toString('hex')}`,
    clean: true,
    keepalive: 60,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
  };
}

function disconnect({ version = 4 }: MqttProbeSpec): Buffer {
  return mqtt.generate({ cmd: 'disconnect', reasonCode: 0 }, { protocolVersion: version });
}
