/** MQTT clients of the gateway, as far as load balancing sees them. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { connectPacket } from '../../support/traffic/connect-packet.js';

/** An open session and the broker that answered it. */
export interface Session {
  readonly broker: string;
  readonly socket: net.Socket;
  /** Sends something and resolves with what comes back. */
  echo(text: string): Promise<string>;
}

async function nextChunk(socket: net.Socket, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  while (!enough(text)) {
    if (socket.readableEnded || socket.destroyed) throw new Error(`closed after ${JSON.stringify(text)}`);
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) text += chunk.toString('latin1');
    else await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
  return text;
}

/** Opens a session; `chunk` splits the CONNECT packet into pieces of that many bytes. */
export async function openSession(
  port: number,
  clientId: string,
  { chunk = Number.POSITIVE_INFINITY, secure = false } = {},
): Promise<Session> {
  const options = { port, host: '127.0.0.1', noDelay: true };
  const socket = secure ? tls.connect({ ...options, rejectUnauthorized: false }) : net.connect(options);
  await once(socket, secure ? 'secureConnect' : 'connect');
  socket.on('error', () => {});
  const packet = connectPacket(clientId);
  for (let at = 0; at < packet.length; at += chunk) {
    socket.write(packet.subarray(at, Math.min(packet.length, at + chunk)));
    // Lets the piece leave as a segment of its own.
    if (chunk < packet.length) await new Promise((resolve) => setImmediate(resolve));
  }
  const greeting = await nextChunk(socket, (text) => text.endsWith('\n'));
  return {
    broker: greeting.slice(4, -1),
    socket,
    echo: async (text) => {
      socket.write(text);
      return nextChunk(socket, (got) => got.length >= text.length);
    },
  };
}
