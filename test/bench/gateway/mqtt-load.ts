/** MQTT load: connections from CONNECT to CONNACK, and data through open sessions. */
import net from 'node:net';
import { generate } from 'mqtt-packet';
import { connectPacket } from '../../support/traffic/connect-packet.js';

/** One connection: CONNECT, CONNACK, gone. */
function connectOnce(host: string, port: number, packet: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true }, () => socket.write(packet));
    socket.on('data', (data) => {
      if (data[0] === 0x20 && data[3] === 0) resolve();
      else reject(new Error('no CONNACK'));
      // A reset leaves no port waiting behind.
      socket.resetAndDestroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed')));
  });
}

/** Connections per second, `parallel` at a time for `seconds`. Rejects when one fails. */
export async function connectionRate(
  host: string,
  port: number,
  parallel: number,
  seconds: number,
): Promise<number> {
  const packets = Array.from({ length: 10_000 }, (_, i) => connectPacket(`device-${i}`));
  const start = performance.now();
  const end = start + seconds * 1000;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) await connectOnce(host, port, packets[done++ % packets.length] as Buffer);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return (done * 1000) / (performance.now() - start);
}

/** Bytes per second that `sessions` open sessions take from their clients for `seconds`, as PUBLISH packets of QoS 0. */
export async function sessionThroughput(
  host: string,
  port: number,
  sessions: number,
  seconds: number,
): Promise<number> {
  const publish = generate({
    cmd: 'publish',
    topic: 'bench',
    payload: Buffer.alloc(65_536),
    qos: 0,
    dup: false,
    retain: false,
  });
  const open = await Promise.all(
    Array.from({ length: sessions }, (_, i) => openSession(host, port, `pump-${i}`)),
  );
  const start = performance.now();
  const end = start + seconds * 1000;
  let bytes = 0;
  await Promise.all(
    open.map(async (socket) => {
      while (performance.now() < end) {
        bytes += publish.length;
        if (!socket.write(publish)) await new Promise((resolve) => socket.once('drain', resolve));
        else await new Promise((resolve) => setImmediate(resolve));
      }
    }),
  );
  const rate = (bytes * 1000) / (performance.now() - start);
  for (const socket of open) socket.destroy();
  return rate;
}

function openSession(host: string, port: number, clientId: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port }, () => socket.write(connectPacket(clientId)));
    socket.once('data', () => resolve(socket));
    socket.on('error', reject);
  });
}
