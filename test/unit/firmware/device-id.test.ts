import { describe, expect, it } from 'vitest';
import { normalize } from '../../../src/firmware/shared/device-id.js';
import { hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';

const MAC = '24:6f:28:aa:bb:cc';

describe('a device id', () => {
  it.each([
    '24:6F:28:AA:BB:CC',
    '24-6f-28-aa-bb-cc',
    '246F28AABBCC',
    '246f.28aa.bbcc',
    // As esp32FOTA sends it.
    '225106385727268',
  ])('reads %s as the MAC address 24:6f:28:aa:bb:cc', (text) => {
    expect(normalize(text)).toBe(MAC);
  });

  it.each([
    ['0', '00:00:00:00:00:00'],
    ['281474976710655', 'ff:ff:ff:ff:ff:ff'],
    ['2460.2800.1122', '24:60:28:00:11:22'],
    // Digits alone are a decimal number, even twelve of them.
    ['246028001122', '62:5f:69:48:39:00'],
    ['281474976710656', '281474976710656'],
    ['24:6f:28:aa-bb-cc', '24:6f:28:aa-bb-cc'],
    ['Sensor-7.example.com', 'sensor-7.example.com'],
  ])('reads %s as %s', (text, id) => {
    expect(normalize(text)).toBe(id);
  });

  it.each(['', 'a b', 'a/b', 'a\n', 'ä', '"', 'a,b', 'x'.repeat(65)])('rejects %j', (text) => {
    expect(normalize(text)).toBeUndefined();
  });

  it('is the same for a MAC address in any notation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
        const id = pairs.join(':');
        const decimal = [...bytes].reduceRight((sum, byte) => sum * 256 + byte, 0);
        const notations = [id, id.toUpperCase(), pairs.join('-'), String(decimal)];
        const bare = pairs.join('');
        if (/[a-f]/.test(bare)) notations.push(bare, bare.toUpperCase());
        expect(notations.map(normalize)).toEqual(notations.map(() => id));
      }),
    );
  });

  it('stays unchanged in its normal spelling', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const id = normalize(text);
        if (id !== undefined) expect(normalize(id)).toBe(id);
      }),
    );
  });
});
