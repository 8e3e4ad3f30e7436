import type { Socket } from 'node:net';
import mqtt, { type Packet } from 'mqtt-packet';

/** The packet that is awaited, and how long it may be. */
interface Expected {
  /** The first byte: the packet type and its flags, which are fixed (MQTT 5, table 2-1 and section 2.1.3). */
  readonly firstByte: number;
  readonly name: string;
  /** The most bytes after the fixed header. */
  readonly longest: number;
}

/** 3.1.1 fixes two bytes (section 3.2.2); 5 has properties, of which a broker may send many strings. */
export function connack(version: 4 | 5): Expected {
  return { firstByte: 0x20, name: 'CONNACK', longest: version === 4 ? 2 : 65_536 };
}

export const PINGRESP: Expected = { firstByte: 0xd0, name: 'PINGRESP', longest: 0 };

/**
 * Sends a message and resolves to the packet that answers it. Rejects at the header of a packet that is of another type or
 * longer than expected, so that no more is read than the answer may be long; and when the connection breaks.
 */
export function exchange(socket: Socket, message: Buffer, expected: Expected): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const settle = (outcome: () => void) => {
      socket.off('data', onData).off('close', onClose).off('error', onError);
      outcome();
    };
    const onData = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk]);
      try {
        const length = packetLength(read, expected);
        if (length !== undefined && read.length >= length) settle(() => resolve(read.subarray(0, length)));
      } catch (error) {
        settle(() => reject(error));
      }
    };
    const onClose = () => settle(() => reject(new Error('the connection was closed')));
    const onError = (error: Error) => settle(() => reject(error));
    socket.on('data', onData).on('close', onClose).on('error', onError);
    socket.write(message);
  });
}

/** Parses one whole packet. Throws if it is not valid MQTT. */
export function parsePacket(bytes: Buffer, protocolVersion: 4 | 5): Packet {
  const parser = mqtt.parser({ protocolVersion });
  let packet: Packet | undefined;
  let problem: unknown;
  parser.on('packet', (read) => {
    packet = read;
  });
  parser.on('error', (error: unknown) => {
    problem = error;
  });
  parser.parse(bytes);
  if (!packet) throw new Error('answered with something that is not MQTT', { cause: problem });
  return packet;
}

/** The length of the packet that starts here; undefined while its header is incomplete. Throws if it is not as expected. */
function packetLength(read: Buffer, { firstByte, name, longest }: Expected): number | undefined {
  if (read.length === 0) return undefined;
  if (read[0] !== firstByte) throw new Error(`answered with something that is not ${name}`);
  let remaining = 0;
  // At most four bytes, each with seven bits of the length (MQTT 5, section 1.5.5).
  for (let i = 1; i <= 4; i++) {
    const byte = read[i];
    if (byte === undefined) return undefined;
    remaining += (byte & 0x7f) * 128 ** (i - 1);
    if (remaining > longest) throw new Error(`answered with a ${name} of more than ${longest} bytes`);
    if (byte < 0x80) return 1 + i + remaining;
  }
  throw new Error(`answered with a ${name} whose length cannot be read`);
}
