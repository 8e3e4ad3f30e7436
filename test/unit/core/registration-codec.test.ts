import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import {
  decodeRegistration,
  encodeRegistration,
  MAX_VALUE_LENGTH,
} from '../../../src/core/registration-codec.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import { parameters, someAddress } from '../../support/arbitraries.js';
import { fc } from '../../support/property.js';

const KEY = '/services/firmware/10.0.0.1:80';

function decode(value: string, key = KEY) {
  return decodeRegistration(DEFAULT_KEY_PREFIXES, key, value);
}

describe('decodeRegistration', () => {
  it.each(['lazy-unicorn', '', '[]', '[1,2]', '[{"weight":7}]', '5', 'null', '"text"', 'true', '\uFFFD'])(
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
    ['', []],
    [' \n', []],
    ['text', ['value is not a JSON object: all parameters take their defaults']],
    ['[]', ['value is not a JSON object: all parameters take their defaults']],
    ['{}', []],
    ['{"drain":false,"meta":{"zone":"a"}}', []],
    ['{"meta":null}', ['meta must be an object of strings: ignored']],
    ['{"meta":["a"]}', ['meta must be an object of strings: ignored']],
    ['{"meta":"a"}', ['meta must be an object of strings: ignored']],
    ['{"meta":{"zone":1}}', ['meta values that are not strings are ignored']],
    ['{"a":1}', ['unknown fields are ignored: "a"']],
    ['{"meta":5,"a":1}', ['meta must be an object of strings: ignored', 'unknown fields are ignored: "a"']],
    [`{"${'x'.repeat(33)}":1}`, [`unknown fields are ignored: "${'x'.repeat(32)}…"`]],
    [
      '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}',
      ['unknown fields are ignored: "a", "b", "c", "d", "e", "f", "g", "h"'],
    ],
    [
      '{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1}',
      ['unknown fields are ignored: "a", "b", "c", "d", "e", "f", "g", "h" and 2 more'],
    ],
  ])('says exactly what it ignores of %j', (value, warnings) => {
    expect(decode(value)).toMatchObject({ status: 'accepted', warnings });
  });

  it('keeps the labels that are strings, and no others', () => {
    expect(decode('{"meta":{"zone":"a","rack":4}}')).toMatchObject({ registration: { meta: { zone: 'a' } } });
    expect(decode('{"meta":["a"]}')).toMatchObject({ registration: { meta: {} } });
  });

  it('reads a value of the greatest length', () => {
    expect(decode('x'.repeat(MAX_VALUE_LENGTH)).status).toBe('accepted');
    expect(decode('x'.repeat(MAX_VALUE_LENGTH + 1)).status).toBe('rejected');
  });

  it.each(["it's", 'a "name"', '1 [2]', 'a\uFEFF'])('takes the text %j for no attempt at JSON', (value) => {
    expect(decode(value)).toMatchObject({
      status: 'accepted',
      registration: { parameters: DEFAULT_PARAMETERS },
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
    ['a list that does not end, after spaces', '  [1'],
    ['text in quotes that does not end, after spaces', '  "text'],
    ['an object as text in quotes, after spaces', '  "  [1]"'],
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

  it('says that a value is no object but one in quotes', () => {
    expect(decode('"{\\"drain\\":true}"')).toMatchObject({
      reason: 'value must be a JSON object, got one as text in quotes',
    });
  });

  it('says where a value that looks like JSON goes wrong', () => {
    expect(decode('{"drain" true}')).toMatchObject({
      reason: 'value looks like JSON and is not valid JSON at character 10',
    });
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

describe('encodeRegistration', () => {
  const address = '10.0.0.1:80' as Address;
  const plain = { service: 'firmware', address, parameters: DEFAULT_PARAMETERS, drain: false, meta: {} };

  it('leaves out what is at its default', () => {
    expect(encodeRegistration(DEFAULT_KEY_PREFIXES, plain)).toEqual({ key: KEY, value: '{}' });
  });

  it('writes parameters, drain and meta', () => {
    const registration = {
      ...plain,
      parameters: { ...DEFAULT_PARAMETERS, weight: 5 },
      drain: true,
      meta: { zone: 'a' },
    };
    expect(encodeRegistration(DEFAULT_KEY_PREFIXES, registration)).toEqual({
      key: KEY,
      value: '{"weight":5,"drain":true,"meta":{"zone":"a"}}',
    });
  });
});
