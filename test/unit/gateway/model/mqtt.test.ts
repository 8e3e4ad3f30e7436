import type { IConnectPacket } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import * as mqtt from '../../../../src/gateway/model/mqtt.js';
import { fc } from '../../../support/property.js';
import { connectPacket as connect } from '../../../support/traffic/connect-packet.js';

/** A CONNECT by hand, for what a library will not write. */
function raw(options: {
  name?: string;
  level?: number;
  flags?: number;
  properties?: number[];
  id?: number[];
}): Buffer {
  const { name = 'MQTT', level = 4, flags = 2, properties = [], id = [0, 1, 0x61] } = options;
  const rest = [0, name.length, ...Buffer.from(name), level, flags, 0, 60, ...properties, ...id];
  return Buffer.from([0x10, rest.length, ...rest]);
}

describe('a CONNECT packet', () => {
  it.each([
    ['3.1', { protocolId: 'MQIsdp', protocolVersion: 3 }],
    ['3.1.1', {}],
    ['5', { protocolVersion: 5 }],
    [
      '5 with properties',
      {
        protocolVersion: 5,
        properties: { sessionExpiryInterval: 99, userProperties: { a: 'b'.repeat(300) } },
      },
    ],
    [
      '3.1.1 with a will, a user and a password',
      {
        will: { topic: 't', payload: Buffer.alloc(3000), qos: 1, retain: true },
        username: 'u',
        password: Buffer.from('p'),
      },
    ],
  ] as [string, Partial<IConnectPacket>][])('has a ClientId in MQTT %s', (_, more) => {
    expect(mqtt.parse(connect('sensor-17', more))).toBe('sensor-17');
  });

  it('is accepted with an empty ClientId', () => {
    expect(mqtt.parse(connect(''))).toBe('');
  });

  it('is accepted with a remaining length of one to four bytes', () => {
    for (const size of [10, 200, 20_000, 3_000_000]) {
      const packet = connect('x', { username: 'u', password: Buffer.alloc(Math.min(size, 65_000)) });
      expect(mqtt.parse(packet.subarray(0, 64))).toBe('x');
    }
    const four = Buffer.concat([Buffer.from([0x10, 0x80, 0x80, 0x80, 0x01]), raw({}).subarray(2)]);
    expect(mqtt.parse(four)).toBe('a');
  });

  it('has a different id for different bytes', () => {
    const id = (bytes: number[]) => mqtt.parse(raw({ id: [0, bytes.length, ...bytes] }));
    expect(id([0xff])).toBe('%FF');
    expect(id([0xfe])).toBe('%FE');
    expect(id([...Buffer.from('%FF')])).toBe('%25FF');
    expect(id([...Buffer.from('Gerät 1')])).toBe('Ger%C3%A4t%201');
    expect(id([10])).toBe('%0A');
    expect(id([16])).toBe('%10');
    expect(id([...Buffer.from('%')])).toBe('%25');
  });

  it.each([
    ['another packet', Buffer.from([0x30, 3, 0, 1, 0x61]), 'not a CONNECT packet'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'not a CONNECT packet'],
    ['flags on the packet type', Buffer.from([0x11, 12]), 'not a CONNECT packet'],
    [
      'a length that does not end',
      Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 1]),
      'malformed remaining length',
    ],
    ['a packet too short for a protocol', Buffer.from([0x10, 6, 0, 4]), 'too short'],
    ['another protocol', raw({ name: 'MQTX' }), 'unknown protocol name'],
  ])('is not recognised: %s', (_, bytes, reason) => {
    expect(mqtt.parse(bytes)).toEqual({ invalid: reason });
  });

  it.each([
    ['of a bridge', raw({ level: 0x84 }), 'a'],
    ['of a bridge of MQTT 3.1', raw({ name: 'MQIsdp', level: 0x83 }), 'a'],
    ['of a bridge of MQTT 5', raw({ level: 0x85, properties: [0] }), 'a'],
    ['of a level with the other name', raw({ name: 'MQIsdp', level: 4 }), 'a'],
    ['with a reserved flag', raw({ flags: 3 }), 'a'],
    ['with a will of QoS 3', raw({ flags: 0x1e }), 'a'],
    ['with a QoS without a will', raw({ flags: 0x0a }), 'a'],
    ['with a NUL in the ClientId', raw({ id: [0, 2, 0x61, 0] }), 'a%00'],
    ['of a version to come', raw({ level: 6 }), ''],
    ['of a version that never was', raw({ level: 2 }), ''],
    [
      'with properties of endless length',
      raw({ level: 5, properties: [255, 255, 255, 255], id: [0, 3, 0, 1, 0x61] }),
      '',
    ],
    ['of MQTT 5 that ends before its properties', raw({ level: 5, id: [] }), ''],
    [
      'of MQTT 5 that ends within the length of its properties',
      raw({ level: 5, properties: [128], id: [] }),
      '',
    ],
    ['with properties beyond the packet', raw({ level: 5, properties: [100] }), ''],
    ['with a ClientId beyond the packet', raw({ id: [0, 9, 0x61] }), ''],
    ['without a ClientId at all', Buffer.from([0x10, 10, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 60]), ''],
  ])('is left to the broker to judge: %s', (_, bytes, clientId) => {
    expect(mqtt.parse(bytes)).toBe(clientId);
  });

  it('has no ClientId behind 30 kB of properties, as soon as their length is known', () => {
    const userProperties = { a: 'b'.repeat(30_000) };
    const far = connect('x', { protocolVersion: 5, properties: { userProperties } });
    expect(mqtt.parse(far.subarray(0, 20))).toBe('');
  });

  it('has of a ClientId of 20 kB as much as is looked at', () => {
    const long = connect('x'.repeat(20_000));
    expect(mqtt.parse(long.subarray(0, 16_384 - 1))).toBeUndefined();
    const cut = mqtt.parse(long.subarray(0, 16_384)) as string;
    expect(cut).toMatch(/^x{16300,16384}$/);
    expect(mqtt.parse(long)).toBe(cut);
  });

  it('needs more bytes while a length is incomplete', () => {
    for (const size of [[0xff], [0xff, 0xff], [0xff, 0xff, 0xff]])
      expect(mqtt.parse(Buffer.from([0x10, ...size]))).toBeUndefined();
    const packet = raw({ level: 5, properties: [0x80, 0x80, 0] });
    for (let behind = 3; behind <= 6; behind++)
      expect(mqtt.parse(packet.subarray(0, packet.length - behind))).toBeUndefined();
    expect(mqtt.parse(packet)).toBe('a');
  });

  it('needs more bytes while the name of MQTT 3.1 is incomplete', () => {
    const packet = raw({ name: 'MQIsdp', level: 3 });
    for (let length = 0; length < packet.length; length++)
      expect(mqtt.parse(packet.subarray(0, length))).toBeUndefined();
    expect(mqtt.parse(packet)).toBe('a');
  });

  it('is not awaited when it announces 256 MB', () => {
    const packet = Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), raw({}).subarray(2)]);
    expect(mqtt.parse(packet)).toBe('a');
  });

  it('needs more bytes at every split before its ClientId, and gives the same result at every split behind it', () => {
    const versions = fc.constantFrom(4, 5) as fc.Arbitrary<4 | 5>;
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), versions, (clientId, protocolVersion) => {
        const packet = connect(clientId, { protocolVersion, username: 'user' });
        const whole = mqtt.parse(packet);
        expect(whole).toBeTypeOf('string');
        let known = false;
        for (let length = 0; length <= packet.length; length++) {
          const part = mqtt.parse(packet.subarray(0, length));
          if (known) expect(part).toBe(whole);
          else if (part !== undefined) {
            expect(part).toBe(whole);
            known = true;
          }
        }
        expect(known).toBe(true);
      }),
    );
  });
});

describe('a parser of a million mutated and split packets', () => {
  /** A small generator with a fixed seed: the same million every time. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  function kindOf(result: mqtt.Connect): 'more' | 'connect' | 'invalid' {
    if (result === undefined) return 'more';
    return typeof result === 'string' ? 'connect' : 'invalid';
  }

  it('never crashes, nor returns more than three results, nor a ClientId that is not in the packet', () => {
    const next = random(42);
    const seeds = [
      connect('sensor-17'),
      connect('', { protocolVersion: 5 }),
      connect('a'.repeat(200), { username: 'u', password: Buffer.from('p') }),
      connect('x', { protocolVersion: 5, properties: { userProperties: { key: 'value'.repeat(40) } } }),
      connect('old', { protocolId: 'MQIsdp', protocolVersion: 3 }),
    ];
    const found = { more: 0, invalid: 0, connect: 0 };
    for (let i = 0; i < 1_000_000; i++) {
      const packet = Buffer.from(seeds[i % seeds.length] as Buffer);
      for (let m = next(4); m > 0; m--) packet[next(packet.length)] = next(256);
      const end = i % 3 === 0 ? next(packet.length + 1) : packet.length;
      const result = mqtt.parse(packet.subarray(0, end));
      found[kindOf(result)]++;
      if (typeof result !== 'string') continue;
      expect(result.length).toBeLessThanOrEqual(3 * packet.length);
      expect(result).toMatch(/^[!-~]*$/);
    }
    expect(found.more + found.invalid + found.connect).toBe(1_000_000);
    for (const count of Object.values(found)) expect(count).toBeGreaterThan(50_000);
  }, 120_000);
});
