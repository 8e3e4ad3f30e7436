/**
 * Reads the ClientId from the start of an MQTT connection (3.1, 3.1.1 and 5). It looks at a growing prefix of
 * the stream and is called again with a longer one until it can tell; nothing is kept in between.
 *
 * It runs in every session, so it is few functions: see balance/quick.ts.
 */

/** The bytes that have arrived: a Buffer, in njs and in Node.js. */
export interface Bytes {
  readonly length: number;
  readonly [index: number]: number;
  toString(encoding: 'utf8', from: number, to: number): string;
}

/** What a prefix of the stream is: the ClientId it holds, nothing yet, or the start of no MQTT connection. */
export type Connect = string | undefined | { invalid: string };

/** The bytes that may precede and include the longest ClientId that is looked for, with MQTT 5 properties. */
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

/** Protocol names with their length in front, as they stand in the packet. */
const CURRENT = '\0\x04MQTT';
const OLD = '\0\x06MQIsdp';

/** Looks at a prefix of what a client sent; `undefined` asks for a longer one. */
export function parse(bytes: Bytes): Connect {
  if (bytes.length === 0) return undefined;
  if (bytes[0] !== 0x10) return invalid('not a CONNECT packet');
  var remaining = varint(bytes, 1);
  if (remaining < 0) return invalid('malformed remaining length');
  if (remaining === 0) return undefined;
  // The shortest CONNECT: name, level, flags, keep-alive, empty ClientId.
  if (remaining < 12 * 8) return invalid('too short');
  var start = 1 + (remaining & 7);
  var end = start + (remaining >> 3);
  if (bytes.toString('utf8', start, start + CURRENT.length) === CURRENT)
    return variableHeader(bytes, start + CURRENT.length, end, false);
  var name = bytes.toString('utf8', start, start + OLD.length);
  if (name === OLD) return variableHeader(bytes, start + OLD.length, end, true);
  return CURRENT.indexOf(name) === 0 || OLD.indexOf(name) === 0
    ? undefined
    : invalid('unknown protocol name');
}

/** What follows the protocol name: level and flags at `at`, keep-alive, properties, and then the ClientId. */
function variableHeader(bytes: Bytes, at: number, end: number, old: boolean): Connect {
  if (bytes.length < at + 2) return undefined;
  var level = bytes[at] as number;
  if (old ? level !== 3 : level !== 4 && level !== 5) return invalid('unsupported protocol level');
  var flags = bytes[at + 1] as number;
  // Reserved; QoS 3; a QoS or retain without a will.
  if ((flags & 1) !== 0 || (flags & 0x18) === 0x18 || ((flags & 4) === 0 && (flags & 0x38) !== 0))
    return invalid('malformed connect flags');
  if (level !== 5) return identifier(bytes, at + 4, end);
  var properties = varint(bytes, at + 4);
  if (properties < 0) return invalid('malformed properties length');
  if (properties === 0) return undefined;
  return identifier(bytes, at + 4 + (properties & 7) + (properties >> 3), end);
}

function identifier(bytes: Bytes, at: number, end: number): Connect {
  var from = at + 2;
  if (from > end) return invalid('properties overrun the packet');
  if (from > MAX_PREFIX) return invalid('ClientId too far from the start');
  if (bytes.length < from) return undefined;
  var to = from + (bytes[at] as number) * 256 + (bytes[at + 1] as number);
  if (to > end) return invalid('ClientId overruns the packet');
  if (to > MAX_PREFIX) return invalid('ClientId too long');
  if (bytes.length < to) return undefined;
  var clientId = text(bytes, from, to);
  return clientId === '\0' ? invalid('NUL in ClientId') : clientId;
}

/**
 * ClientId as text; bytes outside printable ASCII are percent-encoded one by one, so ids stay distinct. `'\0'` when it
 * holds a NUL, which MQTT forbids.
 */
function text(bytes: Bytes, from: number, to: number): string {
  var plain = bytes.toString('utf8', from, to);
  try {
    // Most ids need no encoding at all; a regular expression would be compiled for each session.
    if (encodeURIComponent(plain) === plain) return plain;
  } catch {
    // Half a surrogate pair: no text that can be encoded as a whole.
  }
  var id = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte === 0) return '\0';
    if (byte > 32 && byte < 127 && byte !== 37) id += String.fromCharCode(byte);
    else id += (byte < 16 ? '%0' : '%') + byte.toString(16).toUpperCase();
  }
  return id;
}
