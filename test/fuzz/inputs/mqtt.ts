/** CONNECT packets: those of real clients, and those spoilt. */

import { generate, type IConnectPacket } from 'mqtt-packet';
import { fc } from '../../support/property.js';
import { spoiltBytes } from './bytes.js';

export interface Connect {
  readonly bytes: Buffer;
  /** Where the network cuts the bytes, as parts of a thousand. */
  readonly cuts: readonly number[];
  /** As a client may send it. */
  readonly valid: boolean;
}

const VERSIONS = [
  { protocolId: 'MQIsdp', protocolVersion: 3 },
  { protocolId: 'MQTT', protocolVersion: 4 },
  { protocolId: 'MQTT', protocolVersion: 5 },
] as const;

const clientId = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,23}$/) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter(isMqttText) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 30_000 }).map((length) => 'x'.repeat(length)) },
);

/** MQTT's text has no NUL, and is well-formed. */
function isMqttText(text: string): boolean {
  return Buffer.from(text).toString('utf8') === text && !text.includes('\0');
}

const will = fc.record({
  topic: fc.constantFrom('t', 'a/b/c'),
  payload: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  qos: fc.constantFrom(0, 1, 2),
  retain: fc.boolean(),
});

const properties = fc.record(
  {
    sessionExpiryInterval: fc.nat(2 ** 31),
    receiveMaximum: fc.integer({ min: 1, max: 65_535 }),
    userProperties: fc.dictionary(
      fc.constantFrom('a', 'b', 'region'),
      fc.nat(12_000).map((length) => 'p'.repeat(length)),
    ),
  },
  { requiredKeys: [] },
);

const packet = fc
  .record(
    {
      version: fc.constantFrom(...VERSIONS),
      clientId,
      keepalive: fc.nat(65_535),
      will,
      username: fc.stringMatching(/^[a-z]{1,20}$/),
      password: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      properties,
    },
    { requiredKeys: ['version', 'clientId', 'keepalive'] },
  )
  .map(({ version, properties: given, username, password, ...rest }) =>
    generate({
      cmd: 'connect',
      clean: true,
      ...version,
      ...rest,
      // A password without a user is not of MQTT 3.
      ...(username === undefined ? {} : { username, ...(password === undefined ? {} : { password }) }),
      ...(version.protocolVersion === 5 && given !== undefined ? { properties: given } : {}),
    } as IConnectPacket),
  )
  // What the library cannot write, it writes as nothing.
  .filter((bytes) => bytes.length > 0);

/** Where the protocol level is: behind the packet type, one byte of length at least, and the name. */
function levelAt(bytes: Buffer): number {
  let at = 1;
  while ((bytes[at] ?? 0) >= 128) at++;
  return at + 3 + bytes.readUInt16BE(at + 1);
}

/** As a bridge of mosquitto sends it: with the highest bit of the protocol level set, to be told from a client. */
function asBridge(client: Buffer): Buffer {
  const bytes = Buffer.from(client);
  const at = levelAt(bytes);
  bytes[at] = (bytes[at] ?? 0) | 0x80;
  return bytes;
}

const bridge = packet.filter((bytes) => bytes[levelAt(bytes)] !== 5).map(asBridge);

const good = fc.oneof({ weight: 5, arbitrary: packet }, { weight: 1, arbitrary: bridge });

/** The starts of what is not MQTT at all. */
const foreign = fc.oneof(
  fc
    .constantFrom('GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\x16\x03\x01\x02\x00\x01', 'SSH-2.0-x\r\n', '\0', '')
    .map((text) => Buffer.from(text, 'latin1')),
  fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
);

const cuts = fc.array(fc.nat(1000), { maxLength: 6 });

export const connects: fc.Arbitrary<Connect> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ bytes: good, cuts, valid: fc.constant(true) }) },
  { weight: 4, arbitrary: fc.record({ bytes: spoiltBytes(good), cuts, valid: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ bytes: foreign, cuts, valid: fc.constant(false) }) },
);
