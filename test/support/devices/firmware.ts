/**
 * What a device runs. Source of the offsets: esp-idf, components/bootloader_support/include/esp_app_format.h and
 * components/esp_app_format/include/esp_app_desc.h.
 */
import { createHash } from 'node:crypto';
import { DeviceFailure } from './failure.js';

const MAGIC = 0xe9;
const HASH_APPENDED_AT = 23;
const VERSION_AT = 48;
const VERSION_LENGTH = 32;
const CHIP_AT = 12;
const HASH_LENGTH = 32;

/** An image, and what a running device knows of it. Digests are lower-case hex. */
export interface Firmware {
  readonly version: string;
  readonly image: Buffer;
  readonly sha256: string;
  readonly md5: string;
  /** The SHA-256 that ends the image. */
  readonly appSha256: string;
}

/** Boots an image: rejects, as the boot loader does, what is no whole image with the hash that it ends with. */
export function boot(image: Buffer): Firmware {
  if (image[0] !== MAGIC) throw new DeviceFailure('content', 'the first byte is not 0xE9');
  if (image[HASH_APPENDED_AT] !== 1) throw new DeviceFailure('content', 'the image has no hash');
  const appended = image.subarray(-HASH_LENGTH).toString('hex');
  if (digest('sha256', image.subarray(0, -HASH_LENGTH)) !== appended) {
    throw new DeviceFailure('content', 'the image is not what its hash says');
  }
  const version = image.subarray(VERSION_AT, VERSION_AT + VERSION_LENGTH).toString('latin1');
  return {
    version: version.replace(/\0.*$/s, ''),
    image,
    sha256: digest('sha256', image),
    md5: digest('md5', image),
    appSha256: appended,
  };
}

/** The chip that an image is for. */
export function chipOf(image: Buffer): number {
  return image.readUInt16LE(CHIP_AT);
}

export function digest(algorithm: 'sha256' | 'md5', bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex');
}
