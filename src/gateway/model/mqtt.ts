/**
 * Reads the ClientId from the start of an MQTT connection, of version 3.1, 3.1.1 or 5. The parser gets a growing prefix of
 * the stream: it is called again with a longer prefix until it can decide, and keeps no state between calls.
 *
 * It does not validate the CONNECT packet; that is the broker's task. If the ClientId cannot be read, it is `''`.
 * Only a stream that cannot be MQTT at all is reported as invalid.
 *
 * It runs in every session, so it has few functions: see balance/fast-path.ts.
 */

/** The received bytes: a Buffer, in njs and in Node.js. */
interface Bytes {
  readonly length: number;
  readonly [index: number]: number;
  toString(encoding: 'utf8', from: number, to: number): string;
}

/**
 * What a prefix of the stream contains: a ClientId, nothing yet (`undefined`), or the start of something that is not MQTT.
 * The ClientId is `''` if it is empty, if it begins behind {@link MAX_PREFIX}, and if the packet has an unknown form.
 */
export type Connect = string | undefined | { invalid: string };

/** Bytes of the stream that are examined at most, and held back meanwhile. A longer ClientId is cut there. */
const MAX_PREFIX = 16384;

function invalid(reason: string): Connect {
  return { invalid: reason };
}

/**
 * A variable byte integer, returned as its value × 8 + its length in bytes (1 to 4). 0: more bytes are needed; -1: malformed.
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

/** Protocol names with their length prefix: of versions 3.1.1 and 5, and of 3.1. */
const CURRENT = '\0\x04MQTT';
const OLD = '\0\x06MQIsdp';

/** The length of the protocol name field of version 3.1. 0: more bytes are needed; -1: unknown name. */
function oldName(bytes: Bytes, at: number): number {
  const name = bytes.toString('utf8', at, at + OLD.length);
  if (name === OLD) return OLD.length;
  return CURRENT.indexOf(name) === 0 || OLD.indexOf(name) === 0 ? 0 : -1;
}

/**
 * Parses a prefix of what a client sent; `undefined` asks for a longer prefix.
 *
 * It is one function because in njs a call costs more than everything that happens between two calls.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: it reads the packet field by field, with a check for each.
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
    // Where the packet ends here, no more bytes of it will come.
    if (size === 0) return length < end ? undefined : '';
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

/** A ClientId with bytes outside printable ASCII: these are percent-encoded one by one, so that ids stay distinct. */
function encoded(bytes: Bytes, from: number, to: number): string {
  let id = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte > 32 && byte < 127 && byte !== 37) id += String.fromCharCode(byte);
    else id += (byte < 16 ? '%0' : '%') + byte.toString(16).toUpperCase();
  }
  return id;
}
