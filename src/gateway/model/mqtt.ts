/**
 * Reads the ClientId from the start of an MQTT connection, of version 3.1, 3.1.1 or 5. It looks at a growing prefix of
 * the stream and is called again with a longer one until it can tell; nothing is kept in between.
 *
 * Whether a CONNECT packet is in order is for the broker to say. All that is needed here is the ClientId: of a packet of
 * which it cannot be read there is none. Only what cannot be MQTT is told apart.
 *
 * It runs in every session, so it is few functions: see balance/quick.ts.
 */

/** The bytes that have arrived: a Buffer, in njs and in Node.js. */
export interface Bytes {
  readonly length: number;
  readonly [index: number]: number;
  toString(encoding: 'utf8', from: number, to: number): string;
}

/**
 * What a prefix of the stream is: the ClientId it holds, nothing yet, or the start of no MQTT connection. The ClientId is
 * `''` where it is empty, where it begins behind {@link MAX_PREFIX}, and where the packet has another form than is known.
 */
export type Connect = string | undefined | { invalid: string };

/** How far into the stream is looked, and so how much of it is held back: a ClientId that goes on behind is cut there. */
export const MAX_PREFIX = 16384;

function invalid(reason: string): Connect {
  return { invalid: reason };
}

/**
 * A variable byte integer, as its value × 8 + the number of its bytes (1 to 4); 0 asks for more, -1 is malformed.
 */
function varint(bytes: Bytes, at: number): number {
  var value = 0;
  var factor = 1;
  var byte: number;
  var i: number;
  for (i = 0; i < 4; i++) {
    if (at + i >= bytes.length) return 0;
    byte = bytes[at + i] as number;
    value += (byte & 127) * factor;
    if (byte < 128) return value * 8 + i + 1;
    factor *= 128;
  }
  return -1;
}

/** Protocol names with their length in front, as they stand in the packet: of 3.1.1 and 5, and of 3.1. */
const CURRENT = '\0\x04MQTT';
const OLD = '\0\x06MQIsdp';

/** The length of the field in which 3.1 has its protocol name; 0 asks for more, -1 is a name that is not known. */
function oldName(bytes: Bytes, at: number): number {
  const name = bytes.toString('utf8', at, at + OLD.length);
  if (name === OLD) return OLD.length;
  return CURRENT.indexOf(name) === 0 || OLD.indexOf(name) === 0 ? 0 : -1;
}

/**
 * Looks at a prefix of what a client sent; `undefined` asks for a longer one.
 *
 * One function, since a call costs an njs session more than all that happens between two of them.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: it goes straight through the packet, with a check at each field.
export function parse(bytes: Bytes): Connect {
  var length = bytes.length;
  if (length === 0) return undefined;
  if (bytes[0] !== 0x10) return invalid('not a CONNECT packet');

  // Nearly always a single byte.
  var size = (bytes[1] as number) < 128 ? (bytes[1] as number) * 8 + 1 : varint(bytes, 1);
  if (size < 0) return invalid('malformed remaining length');
  if (size === 0) return undefined;
  // Name and level.
  if (size < 7 * 8) return invalid('too short');
  var at = 1 + (size & 7);
  var end = at + (size >> 3);

  var old = bytes.toString('utf8', at, at + 6) !== CURRENT;
  if (old) {
    size = oldName(bytes, at);
    if (size < 0) return invalid('unknown protocol name');
    if (size === 0) return undefined;
    at += size;
  } else at += 6;

  if (length <= at) return undefined;
  // Bridges set the high bit.
  var level = (bytes[at] as number) & 127;
  if (level < 3 || level > 5) return '';
  // Level, flags and keep-alive.
  at += 4;

  if (level === 5) {
    size = varint(bytes, at);
    if (size < 0) return '';
    if (size === 0) return undefined;
    at += (size & 7) + (size >> 3);
  }

  var from = at + 2;
  if (from > end || from > MAX_PREFIX) return '';
  if (length < from) return undefined;
  var to = from + (bytes[at] as number) * 256 + (bytes[at + 1] as number);
  if (to > end) return '';
  if (to > MAX_PREFIX) to = MAX_PREFIX;
  if (length < to) return undefined;

  for (at = from; at < to; at++) {
    size = bytes[at] as number;
    if (size < 33 || size > 126 || size === 37) return encoded(bytes, from, to);
  }
  return bytes.toString('utf8', from, to);
}

/** A ClientId that is not all of printable ASCII: the other bytes are percent-encoded one by one, so ids stay distinct. */
function encoded(bytes: Bytes, from: number, to: number): string {
  let id = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte > 32 && byte < 127 && byte !== 37) id += String.fromCharCode(byte);
    else id += (byte < 16 ? '%0' : '%') + byte.toString(16).toUpperCase();
  }
  return id;
}
