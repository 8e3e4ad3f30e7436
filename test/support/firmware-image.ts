/**
 * Firmware images of the ESP32, written byte by byte as Espressif's tools write them.
 * Source: esp-idf, components/bootloader_support/include/esp_app_format.h, components/esp_app_format/include/esp_app_desc.h,
 * docs/en/security/secure-boot-v2.rst; esptool, `elf2image`.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { crc32 } from 'node:zlib';

export interface ImageSpec {
  readonly chipId?: number;
  readonly minRevision?: number;
  readonly maxRevision?: number;
  readonly secureVersion?: number;
  readonly version?: string;
  readonly project?: string;
  readonly idf?: string;
  /** Bytes of the data of each segment; the first one holds the descriptor and so is at least 256. */
  readonly segments?: readonly number[];
  /** What the data is filled with, so that two images differ. */
  readonly fill?: number;
  /** Whether a SHA-256 ends the image; true where nothing is said. */
  readonly hash?: boolean;
}

/** An app: header, segments, checksum, and the SHA-256 of all of it. */
export function appImage(spec: ImageSpec = {}): Buffer {
  const { segments = [4096, 1500, 72], fill = 0x5a } = spec;
  const parts = segments.map((length, i) => {
    const data = Buffer.alloc(length, (fill + i) & 0xff);
    if (i === 0) descriptor(spec).copy(data);
    return data;
  });
  const body = Buffer.concat([
    header(spec, parts.length),
    ...parts.flatMap((data, i) => [segmentHeader(i, data), data]),
  ]);
  const end = Math.ceil((body.length + 1) / 16) * 16;
  const image = Buffer.concat([body, Buffer.alloc(end - body.length)]);
  image[end - 1] = parts.flatMap((data) => [...data]).reduce((sum, value) => sum ^ value, 0xef);
  if (spec.hash === false) return image;
  return Buffer.concat([image, createHash('sha256').update(image).digest()]);
}

function header(
  { chipId = 0, minRevision = 0, maxRevision = 399, hash = true }: ImageSpec,
  segments: number,
): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.set([0xe9, segments, 2, 0x2f], 0);
  bytes.writeUInt32LE(0x40081234, 4);
  bytes.writeUInt8(0xee, 8);
  bytes.writeUInt16LE(chipId, 12);
  bytes.writeUInt16LE(minRevision, 15);
  bytes.writeUInt16LE(maxRevision, 17);
  bytes.writeUInt8(hash ? 1 : 0, 23);
  return bytes;
}

function segmentHeader(index: number, data: Buffer): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(0x3f400020 + index * 0x10000, 0);
  bytes.writeUInt32LE(data.length, 4);
  return bytes;
}

function descriptor({
  secureVersion = 0,
  version = '1.0.0',
  project = 'toaster',
  idf = 'v5.5.1',
}: ImageSpec): Buffer {
  const bytes = Buffer.alloc(256);
  bytes.writeUInt32LE(0xabcd5432, 0);
  bytes.writeUInt32LE(secureVersion, 4);
  bytes.write(version, 16, 32);
  bytes.write(project, 48, 32);
  bytes.write('12:34:56', 80, 16);
  bytes.write('Nov 27 2026', 96, 16);
  bytes.write(idf, 112, 32);
  createHash('sha256').update(`${project} ${version}`).digest().copy(bytes, 144);
  return bytes;
}

/** A sketch of Arduino: its descriptor is the core's. */
export function arduinoImage(spec: ImageSpec = {}): Buffer {
  return appImage({ ...spec, project: 'arduino-lib-builder', version: 'esp-idf: v4.4.7 38eeba213a' });
}

/** A boot loader: an image whose descriptor is another one. */
export function bootLoader(): Buffer {
  const image = appImage({ segments: [4096], hash: false });
  image.writeUInt32LE(0x50, 0x20);
  return image;
}

/** Everything that a flash holds: boot loader, partition table, app. The ESP32's begins with 4 KiB of 0xFF. */
export function mergedImage(bootLoaderAt = 0): Buffer {
  const flash = Buffer.alloc(0x10000, 0xff);
  bootLoader().copy(flash, bootLoaderAt);
  Buffer.from([0xaa, 0x50, 0x01, 0x02]).copy(flash, 0x8000);
  return Buffer.concat([flash, appImage()]);
}

/** A file for the ESP8266: 8 bytes of header, no descriptor. */
export function esp8266Image(): Buffer {
  const bytes = Buffer.alloc(4096, 0x33);
  bytes.set([0xe9, 1, 2, 0x40], 0);
  return bytes;
}

/** A new RSA key; its signatures are as long as it is. */
export function rsaKey(bits: 2048 | 3072 | 4096): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
}

/** As esp32FOTA checks it: the signature, then the image. Source: its README. */
export function withSignature(image: Buffer, key: KeyObject): Buffer {
  return Buffer.concat([sign('sha256', image, key), image]);
}

/** A signature block of secure boot V2 as far as it can be checked without the key: digest and CRC. */
function signatureBlock(signed: Buffer, kind: 'rsa' | 'ecdsa' | 'ecdsa-p384'): Buffer {
  const block = Buffer.alloc(1216, 0x77);
  block.set([0xe7, kind === 'rsa' ? 2 : 3, kind === 'ecdsa-p384' ? 1 : 0, 0], 0);
  createHash(kind === 'ecdsa-p384' ? 'sha384' : 'sha256')
    .update(signed)
    .digest()
    .copy(block, 4);
  block.writeUInt32LE(crc32(block.subarray(0, 1196)), 1196);
  block.fill(0, 1200);
  return block;
}

/** Signed for secure boot V2: padded to whole sectors, and one sector of signature blocks. */
export function secureBootImage(
  image: Buffer,
  kind: 'rsa' | 'ecdsa' | 'ecdsa-p384' = 'rsa',
  keys = 1,
): Buffer {
  const padded = Buffer.concat([image, Buffer.alloc(-image.length & 4095, 0xff)]);
  const sector = Buffer.alloc(4096, 0xff);
  for (let i = 0; i < keys; i++) signatureBlock(padded, kind).copy(sector, i * 1216);
  return Buffer.concat([padded, sector]);
}

/** Signed for secure boot V1: a version word and 64 bytes of ECDSA behind the image. */
export function secureBootV1Image(image: Buffer): Buffer {
  return Buffer.concat([image, Buffer.alloc(4), Buffer.alloc(64, 0x42)]);
}
