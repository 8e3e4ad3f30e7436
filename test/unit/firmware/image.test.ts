import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Hash } from '../../../src/firmware/image/bytes.js';
import { crc32 } from '../../../src/firmware/image/bytes.js';
import { type FirmwareFile, fileOf, readEsp8266, readFirmware } from '../../../src/firmware/image/image.js';
import type { Checked } from '../../../src/firmware/refusal.js';
import {
  appImage,
  arduinoImage,
  bootLoader,
  esp8266Image,
  mergedImage,
  rsaKey,
  secureBootImage,
  secureBootV1Image,
  withSignature,
} from '../../support/firmware-image.js';
import { fc } from '../../support/property.js';

const hash: Hash = (algorithm, bytes) => createHash(algorithm).update(bytes).digest();

function read(file: Uint8Array): FirmwareFile {
  const checked = readFirmware(file, hash);
  if (!checked.ok) throw new Error(checked.refusal.reason);
  return checked.value;
}

function codeOf(checked: Checked<unknown>): string {
  if (checked.ok) return 'accepted';
  expect(checked.refusal.reason).not.toBe('');
  expect(checked.refusal.remedy).not.toBe('');
  return checked.refusal.code;
}

function refusalOf(file: Uint8Array): string {
  return codeOf(readFirmware(file, hash));
}

/** The same bytes but for one. */
function damaged(file: Buffer, at: number): Buffer {
  const copy = Buffer.from(file);
  copy[at] = (copy[at] ?? 0) ^ 0x01;
  return copy;
}

const IMAGE = appImage();

describe('a firmware image', () => {
  it('describes itself', () => {
    const file = read(
      appImage({
        chipId: 9,
        minRevision: 1,
        maxRevision: 99,
        secureVersion: 3,
        version: '1.3.0',
        project: 'toaster',
      }),
    );
    expect(file.facts).toEqual({
      chip: 'esp32s3',
      minRevision: 1,
      maxRevision: 99,
      version: '1.3.0',
      project: 'toaster',
      secureVersion: 3,
      built: 'Nov 27 2026 12:34:56',
      idf: 'v5.5.1',
      elfSha256: createHash('sha256').update('toaster 1.3.0').digest('hex'),
      appSha256: file.image.length > 0 ? Buffer.from(file.image.subarray(-32)).toString('hex') : '',
      secureBoot: 'none',
    });
    expect(file.signature).toBeUndefined();
  });

  it('has for Arduino neither its version nor its project, which are those of the core', () => {
    const { facts } = read(arduinoImage());
    expect(facts).not.toHaveProperty('version');
    expect(facts).not.toHaveProperty('project');
    expect(facts.chip).toBe('esp32');
  });

  it('is accepted without a hash at its end', () => {
    expect(read(appImage({ hash: false })).facts).not.toHaveProperty('appSha256');
  });

  it('is accepted with something behind its end, such as the signature that Arduino appends', () => {
    expect(read(Buffer.concat([IMAGE, Buffer.alloc(384, 0x99)])).facts.secureBoot).toBe('none');
  });

  it.each([2048, 3072, 4096] as const)('is found behind the signature of an RSA key of %d bits', (bits) => {
    const file = read(withSignature(IMAGE, rsaKey(bits)));
    expect(file.signature?.length).toBe(bits / 8);
    expect(Buffer.from(file.image)).toEqual(IMAGE);
  });

  it.each([
    ['rsa', 1, 'v2-rsa'],
    ['rsa', 3, 'v2-rsa'],
    ['ecdsa', 1, 'v2-ecdsa'],
    ['ecdsa-p384', 2, 'v2-ecdsa'],
  ] as const)('is recognised as signed for secure boot V2 with %s and %d keys', (kind, keys, secureBoot) => {
    expect(read(secureBootImage(IMAGE, kind, keys)).facts.secureBoot).toBe(secureBoot);
  });

  it('is recognised as signed for secure boot V1', () => {
    expect(read(secureBootV1Image(IMAGE)).facts.secureBoot).toBe('v1');
  });

  it('is refused when it was changed after it was signed for secure boot', () => {
    const signed = secureBootImage(appImage({ hash: false }), 'rsa', 2);
    const padding = appImage({ hash: false }).length + 8;
    expect(refusalOf(damaged(signed, padding))).toBe('secure-boot-mismatch');
    const block = signed.length - 4096;
    expect(refusalOf(damaged(signed, block + 1000))).toBe('secure-boot-mismatch');
    expect(refusalOf(damaged(signed, block + 1216 + 4))).toBe('secure-boot-mismatch');
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'not-firmware'],
    ['a text', Buffer.from('#!/bin/sh\n'.repeat(100)), 'not-firmware'],
    ['an ELF file', Buffer.from('\x7fELF'.repeat(200), 'latin1'), 'not-firmware'],
    ['gzip', Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), IMAGE]), 'compressed'],
    ['zlib, as FlashZ takes it', Buffer.concat([Buffer.from([0x78, 0x9c]), IMAGE]), 'compressed'],
    ['a boot loader', bootLoader(), 'boot-loader'],
    ['a whole flash', mergedImage(), 'merged-image'],
    ['a whole flash of the ESP32', mergedImage(0x1000), 'merged-image'],
    ['an image for the ESP8266', esp8266Image(), 'boot-loader'],
    ['its first bytes', IMAGE.subarray(0, 20), 'truncated'],
    ['an image of an unknown chip', appImage({ chipId: 4711 }), 'unknown-chip'],
    ['no segments', appImage({ segments: [256] }).fill(0, 1, 2), 'damaged'],
  ])('is not recognised: %s', (_, file, code) => {
    expect(refusalOf(file)).toBe(code);
  });

  it('is refused when it ends too early, wherever it ends', () => {
    for (let length = 0x24; length < IMAGE.length; length++) {
      expect(refusalOf(IMAGE.subarray(0, length))).toBe('truncated');
    }
    const signed = secureBootImage(IMAGE);
    expect(refusalOf(signed.subarray(0, -1))).toBe('truncated');
  });

  it('is refused with any byte changed, except those that nothing covers', () => {
    const code = IMAGE.subarray(0, 24 + 8);
    fc.assert(
      fc.property(fc.integer({ min: code.length, max: IMAGE.length - 1 }), (at) => {
        expect(refusalOf(damaged(IMAGE, at))).not.toBe('accepted');
      }),
    );
    const unhashed = appImage({ hash: false });
    expect(refusalOf(damaged(unhashed, 1000))).toBe('damaged');
    expect(refusalOf(damaged(IMAGE, IMAGE.length - 1))).toBe('damaged');
  });

  it('never makes its reader throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.array(fc.tuple(fc.nat(IMAGE.length - 1), fc.nat(255)), { maxLength: 8 }),
        (bytes, changes) => {
          const file = Buffer.from(IMAGE);
          for (const [at, value] of changes) file[at] = value;
          refusalOf(file);
          refusalOf(bytes);
          refusalOf(Buffer.concat([IMAGE.subarray(0, 36), bytes]));
          codeOf(readEsp8266(bytes));
        },
      ),
    );
  });

  it('is recognised for the ESP8266 by its first byte, and distinguished from one for another chip', () => {
    expect(readEsp8266(esp8266Image())).toMatchObject({ ok: true, value: { facts: { chip: 'esp8266' } } });
    expect(codeOf(readEsp8266(IMAGE))).toBe('wrong-chip');
    expect(codeOf(readEsp8266(Buffer.from('text')))).toBe('not-firmware');
  });

  it('is stored by its hashes', () => {
    expect(fileOf(Buffer.from('abc'), hash)).toEqual({
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      md5: '900150983cd24fb0d6963f7d28e17f72',
      size: 3,
    });
  });

  it('has the CRC-32 of zlib', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  });
});
