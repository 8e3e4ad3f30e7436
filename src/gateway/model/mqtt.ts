/**
 * Reads the ClientId from the start of an MQTT connection (3.1, 3.1.1 and 5). It looks at a growing prefix of
 * the stream: `more` asks to be called again with a longer one, and nothing is kept in between.
 */

/** The bytes that have arrived: a Buffer, in njs and in Node.js. */
export interface Bytes {
  readonly length: number;
  readonly [index: number]: number;
  toString(encoding: 'utf8', from: number, to: number): string;
}

/** What a prefix of the stream is. */
export type Connect =
  | { state: 'more' }
  | { state: 'invalid'; reason: string }
  | { state: 'connect'; clientId: string; level: number };

/** The bytes that may precede and include the longest ClientId that is looked for, with MQTT 5 properties. */
const MAX_PREFIX = 16384;

const MORE: Connect = { state: 'more' };

function invalid(reason: string): Connect {
  return { state: 'invalid', reason: reason };
}

/** A variable byte integer: its value and where it ends; `end` 0 asks for more, -1 is malformed. */
function varint(bytes: Bytes, at: number): { value: number; end: number } {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 4; i++) {
    if (at + i >= bytes.length) return { value: 0, end: 0 };
    const byte = bytes[at + i] as number;
    value += (byte & 127) * factor;
    if (byte < 128) return { value: value, end: at + i + 1 };
    factor *= 128;
  }
  return { value: 0, end: -1 };
}

function u16(bytes: Bytes, at: number): number {
  return (bytes[at] as number) * 256 + (bytes[at + 1] as number);
}

/** Protocol names with their length in front, as they stand in the packet. */
const CURRENT = '\0\x04MQTT';
const OLD = '\0\x06MQIsdp';

/** The protocol name's length if bytes at `at` begin one, 0 for too few, -1 for neither. */
function protocolName(bytes: Bytes, at: number): number {
  if (bytes.toString('utf8', at, at + CURRENT.length) === CURRENT) return 4;
  if (bytes.toString('utf8', at, at + OLD.length) === OLD) return 6;
  const begun = bytes.toString('utf8', at, at + OLD.length);
  const short = bytes.length < at + CURRENT.length ? CURRENT.indexOf(begun) === 0 : false;
  return short || (bytes.length < at + OLD.length && OLD.indexOf(begun) === 0) ? 0 : -1;
}

function validFlags(flags: number): boolean {
  const will = (flags & 4) !== 0;
  const qos = (flags >> 3) & 3;
  if ((flags & 1) !== 0 || qos === 3) return false;
  return will || (flags & 0x38) === 0;
}

/** Whether a name and a protocol level go together. */
function validLevel(nameLength: number, level: number): boolean {
  return nameLength === 6 ? level === 3 : level === 4 || level === 5;
}

/** `text` percent-encoded, or `''` when it is no text that can be. */
function encode(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return '';
  }
}

/** ClientId as text; bytes outside printable ASCII are percent-encoded one by one, so ids stay distinct. */
function text(bytes: Bytes, from: number, to: number): string {
  const plain = bytes.toString('utf8', from, to);
  // Most ids need no encoding at all; a regular expression would be compiled for each session.
  if (encode(plain) === plain) return plain;
  let id = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte === 0) return '\0';
    if (byte > 32 && byte < 127 && byte !== 37) id += String.fromCharCode(byte);
    else id += (byte < 16 ? '%0' : '%') + byte.toString(16).toUpperCase();
  }
  return id;
}

/** Where the payload begins: behind the variable header and, in MQTT 5, its properties. Encoded as in {@link varint}. */
function payloadStart(bytes: Bytes, at: number, level: number): number {
  if (level !== 5) return at;
  const properties = varint(bytes, at);
  return properties.end <= 0 ? properties.end : properties.end + properties.value;
}

/** Looks at a prefix of what a client sent. */
function parse(bytes: Bytes): Connect {
  if (bytes.length === 0) return MORE;
  if (bytes[0] !== 0x10) return invalid('not a CONNECT packet');
  const remaining = varint(bytes, 1);
  if (remaining.end < 0) return invalid('malformed remaining length');
  if (remaining.end === 0) return MORE;
  // The shortest CONNECT: name, level, flags, keep-alive, empty ClientId.
  if (remaining.value < 12) return invalid('too short');
  return variableHeader(bytes, remaining.end, remaining.end + remaining.value);
}

function variableHeader(bytes: Bytes, start: number, end: number): Connect {
  const nameLength = protocolName(bytes, start);
  if (nameLength < 0) return invalid('unknown protocol name');
  if (nameLength === 0) return MORE;
  const levelAt = start + 2 + nameLength;
  if (bytes.length < levelAt + 2) return MORE;
  const level = bytes[levelAt] as number;
  if (!validLevel(nameLength, level)) return invalid('unsupported protocol level');
  if (!validFlags(bytes[levelAt + 1] as number)) return invalid('malformed connect flags');
  const idAt = payloadStart(bytes, levelAt + 4, level);
  if (idAt < 0) return invalid('malformed properties length');
  if (idAt === 0) return MORE;
  return identifier(bytes, idAt, end, level);
}

function identifier(bytes: Bytes, at: number, end: number, level: number): Connect {
  if (at + 2 > end) return invalid('properties overrun the packet');
  if (at + 2 > MAX_PREFIX) return invalid('ClientId too far from the start');
  if (bytes.length < at + 2) return MORE;
  const length = u16(bytes, at);
  if (at + 2 + length > end) return invalid('ClientId overruns the packet');
  if (at + 2 + length > MAX_PREFIX) return invalid('ClientId too long');
  if (bytes.length < at + 2 + length) return MORE;
  const clientId = text(bytes, at + 2, at + 2 + length);
  if (clientId === '\0') return invalid('NUL in ClientId');
  return { state: 'connect', clientId: clientId, level: level };
}

export default { parse, MAX_PREFIX };
