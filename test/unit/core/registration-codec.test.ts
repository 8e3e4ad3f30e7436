import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import {
  decodeRegistration,
  encodeRegistration,
  MAX_VALUE_LENGTH,
} from '../../../src/core/registration-codec.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import { parameters, someAddress } from '../../support/arbitraries.js';

const KEY = '/services/firmware/10.0.0.1:80';

function decode(value: string, key = KEY) {
  return decodeRegistration(DEFAULT_KEY_PREFIXES, key, value);
}

describe('decodeRegistration', () => {
  it.each(['lazy-unicorn', '', '[]', '[1,2]', '5', 'null', '"text"', 'true', '\uFFFD'])(
    'reads %j as all defaults',
    (value) => {
      expect(decode(value)).toMatchObject({
        status: 'accepted',
        registration: {
          service: 'firmware',
          address: '10.0.0.1:80',
          parameters: DEFAULT_PARAMETERS,
          drain: false,
          meta: {},
        },
      });
    },
  );

  it('reads parameters, drain and meta', () => {
    expect(decode('{"weight":5,"drain":true,"meta":{"zone":"a"}}')).toEqual({
      status: 'accepted',
      registration: {
        service: 'firmware',
        address: '10.0.0.1:80',
        parameters: { ...DEFAULT_PARAMETERS, weight: 5 },
        drain: true,
        meta: { zone: 'a' },
      },
      warnings: [],
    });
  });

  it.each([
    ['{"colour":"red"}', /unknown fields.*colour/],
    ['{"meta":5}', /meta must be/],
    ['{"meta":{"a":1,"b":"x"}}', /not strings/],
    ['text', /not a JSON object/],
  ])('warns about the ignored fields in %s', (value, warning) => {
    expect(decode(value)).toMatchObject({
      status: 'accepted',
      warnings: [expect.stringMatching(warning)],
    });
  });

  it.each([
    ['{"weight":-1}', /weight must be/],
    ['{"drain":"yes"}', /drain must be/],
    [`{"meta":{"a":"${'x'.repeat(MAX_VALUE_LENGTH)}"}}`, /at most 16384/],
    ['x'.repeat(1_000_000), /at most 16384/],
  ])('rejects a bad value, and still returns its instance', (value, reason) => {
    expect(decode(value)).toMatchObject({
      status: 'rejected',
      instance: { service: 'firmware', address: '10.0.0.1:80' },
      reason: expect.stringMatching(reason),
    });
  });

  it.each([
    ['/services/firmware', /<service>/],
    ['/services/firmware/', /host:port/],
    ['/services/firmware/10.0.0.1:0', /1 to 65535/],
    ['/services/firmware/a/10.0.0.1:80', /IP address/],
    ['/services//10.0.0.1:80', /service must be/],
    ['/services/-x/10.0.0.1:80', /service must be/],
    [`/services/${'s'.repeat(129)}/10.0.0.1:80`, /service must be/],
  ])('rejects the key %s', (key, reason) => {
    const decoded = decode('{}', key);
    expect(decoded).toMatchObject({ status: 'rejected', reason: expect.stringMatching(reason) });
    expect(decoded).not.toHaveProperty('instance');
  });

  it('never throws, whatever the key and the value', () => {
    const values = fc.oneof(fc.string({ unit: 'binary' }), fc.json());
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), values, (key, value) => {
        expect(['accepted', 'rejected']).toContain(decode(value, `/services/${key}`).status);
        expect(['accepted', 'rejected']).toContain(decode(value).status);
      }),
    );
  });

  it.each([
    ['a missing quote', '{"broken'],
    ['a trailing comma', '{"weight": 5,}'],
    ['a byte order mark', '\uFEFF{"weight":5}'],
    ['single quotes', "{'weight': 5}"],
    ['single quotes around all', `'{"weight":5}'`],
    ['a comment before', '// drained\n{"drain":true}'],
    ['a list that does not end', '[{"weight":5}'],
    ['an object as text in quotes', '"{\\"drain\\":true}"'],
    ['a template that was not filled in', '{{ .Values.registration }}'],
    ['the end alone', '"weight": 5}'],
    ['NaN', '{"weight":NaN}'],
    ['two objects', '{"drain":true}{}'],
  ])('rejects what looks like JSON and is not valid: %s', (_, value) => {
    expect(decode(value)).toMatchObject({
      status: 'rejected',
      instance: { service: 'firmware', address: '10.0.0.1:80' },
      reason: expect.stringMatching(/JSON/),
    });
  });

  const DEEP = `${'['.repeat(8_180)}${']'.repeat(8_180)}`;
  it.each([
    ['weight', `{"weight":${DEEP}}`],
    ['drain', `{"drain":${DEEP}}`],
    ['meta', `{"meta":${DEEP}}`],
    ['a member of meta', `{"meta":{"zone":${DEEP.slice(20, -20)}}}`],
    ['an unknown field', `{"x":${DEEP.slice(20, -20)}}`],
    ['no object', DEEP.slice(20, -20)],
    ['objects', `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`],
    ['what never ends', '['.repeat(16_000)],
    ['what never began', `{${']'.repeat(16_000)}`],
  ])('rejects a value that is nested thousands deep: %s', (_, value) => {
    const decoded = decode(value);
    expect(decoded).toMatchObject({ status: 'rejected', instance: { service: 'firmware' } });
    expect(decoded.status === 'rejected' ? decoded.reason.length : 0).toBeLessThan(200);
  });

  it('reads brackets inside of strings as text', () => {
    const zone = '[{'.repeat(50);
    expect(decode(JSON.stringify({ meta: { zone } }))).toMatchObject({
      registration: { meta: { zone } },
    });
    expect(decode('{"meta":{"zone":"\\"[[[[[[[[[["}}')).toMatchObject({ status: 'accepted' });
  });

  it('rejects more fields than any registration has', () => {
    const fields = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`f${i}`, 1]));
    expect(decode(JSON.stringify(fields))).toMatchObject({
      status: 'rejected',
      reason: expect.stringMatching(/at most 512 items/),
    });
  });

  it('rejects a key of a megabyte quickly', () => {
    for (const long of [
      '1'.repeat(1_000_000),
      `[${':'.repeat(1_000_000)}]:80`,
      `${'1.'.repeat(500_000)}:80`,
    ]) {
      const decoded = decode('{}', `/services/firmware/${long}`);
      expect(decoded).toMatchObject({ status: 'rejected', reason: expect.stringMatching(/host:port/) });
      expect(decoded.status === 'rejected' ? decoded.reason.length : 0).toBeLessThan(200);
    }
  });

  it('reads no parameter from a prototype', () => {
    expect(decode('{"__proto__":{"weight":9,"drain":true},"constructor":{"meta":1}}')).toMatchObject({
      status: 'accepted',
      registration: { parameters: DEFAULT_PARAMETERS, drain: false },
    });
  });

  it('keeps reasons short, however long the input', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1_000, maxLength: 4_000 }), (noise) => {
        const decoded = decode(JSON.stringify({ weight: noise, drain: noise }), KEY);
        expect(decoded.status === 'rejected' ? decoded.reason.length : 0).toBeLessThan(1_000);
      }),
    );
  });

  it('reads what encodeRegistration writes', () => {
    const registration = fc.record({
      service: fc.constantFrom('firmware', 'mqtt.lab_1'),
      address: someAddress,
      parameters,
      drain: fc.boolean(),
      meta: fc.dictionary(fc.constantFrom('zone', 'version'), fc.string({ maxLength: 10 }), {
        noNullPrototype: true,
      }),
    });
    fc.assert(
      fc.property(registration, (given) => {
        const { key, value } = encodeRegistration(DEFAULT_KEY_PREFIXES, given);
        expect(decode(value, key)).toEqual({ status: 'accepted', registration: given, warnings: [] });
      }),
    );
  });
});
