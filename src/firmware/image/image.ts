import { defined } from '../../core/defined.js';
import { chipById, chipByName } from '../chips.js';
import { type Checked, passed, refused } from '../refusal.js';
import type { ImageFacts, ReleaseFile } from '../release.js';
import { SIGNATURE_LENGTHS } from '../type-record.js';
import { byte, type Hash, hex, u16 } from './bytes.js';
import { hasDescriptor, isArduino, readDescriptor, revisionsOf } from './descriptor.js';
import { readSigning } from './secure-boot.js';
import { measure } from './segments.js';

/** A file that can be published, taken apart. */
export interface FirmwareFile {
  /** The signature in front of the image, as esp32FOTA checks it; undefined where the file begins with the image. */
  readonly signature?: Uint8Array;
  /** The bare image. */
  readonly image: Uint8Array;
  readonly facts: ImageFacts;
}

const IMAGE_MAGIC = 0xe9;
/** The shortest file that can be looked at: up to the end of the descriptor. */
const SHORTEST = 288;

/**
 * Takes apart a file for the ESP32 and its successors, and checks all that its own checksums and hashes cover.
 * Source: esp-idf, components/bootloader_support/include/esp_app_format.h; esptool.
 */
export function readFirmware(file: Uint8Array, hash: Hash): Checked<FirmwareFile> {
  const start = [0, ...SIGNATURE_LENGTHS].find((at) => isApp(file.subarray(at)));
  if (start === undefined) return explain(file);
  const image = file.subarray(start);
  const chip = chipById(u16(image, 12));
  if (chip === undefined) {
    return refused(
      'unknown-chip',
      `the image is for a chip with the id ${u16(image, 12)}, which this sidekick does not know`,
      'check that the file is firmware for an ESP32 or a successor, or use a newer sidekick',
    );
  }
  const extent = measure(image, hash);
  if (!extent.ok) return extent;
  const signing = readSigning(image, extent.value.end, hash);
  if (!signing.ok) return signing;
  const descriptor = readDescriptor(image);
  const arduino = isArduino(descriptor);
  const revisions = revisionsOf(image);
  const facts = defined({
    chip: chip.name,
    minRevision: revisions.min,
    maxRevision: revisions.max,
    version: arduino || descriptor.version === '' ? undefined : descriptor.version,
    project: arduino || descriptor.project === '' ? undefined : descriptor.project,
    secureVersion: descriptor.secureVersion,
    built: descriptor.built,
    idf: descriptor.idf,
    elfSha256: descriptor.elfSha256,
    appSha256: extent.value.appSha256,
    secureBoot: signing.value.kind,
  });
  const signature = start === 0 ? undefined : file.subarray(0, start);
  return passed({ ...defined({ signature }), image, facts });
}

/**
 * Takes a file for the ESP8266, whose header says nothing of chip, version and project. Source: esptool,
 * esptool/bin_image.py, ESP8266ROMFirmwareImage.
 */
export function readEsp8266(file: Uint8Array): Checked<FirmwareFile> {
  const chip = chipByName('esp8266')?.name ?? 'esp8266';
  if (byte(file, 0) !== IMAGE_MAGIC) return explain(file);
  if (!hasDescriptor(file)) {
    return passed({ image: file, facts: { chip, secureBoot: 'none' } });
  }
  return refused(
    'wrong-chip',
    'the image is for the ESP32 or a successor, not for the ESP8266',
    'publish it under a type with its own chip',
  );
}

/** What firmware servers hold of these bytes. */
export function fileOf(bytes: Uint8Array, hash: Hash): ReleaseFile {
  return { sha256: hex(hash('sha256', bytes)), md5: hex(hash('md5', bytes)), size: bytes.length };
}

function isApp(bytes: Uint8Array): boolean {
  return byte(bytes, 0) === IMAGE_MAGIC && hasDescriptor(bytes);
}

/** Why a file is no app. */
function explain(file: Uint8Array): Checked<never> {
  if (isCompressed(file)) {
    return refused(
      'compressed',
      'the file is compressed',
      'publish the image as the build makes it: a .bin file',
    );
  }
  if (isMerged(file)) {
    return refused(
      'merged-image',
      'the file is a whole flash image, with boot loader and partition table',
      'publish the app alone: firmware.bin, not the merged or factory file',
    );
  }
  if (byte(file, 0) !== IMAGE_MAGIC) {
    return refused(
      'not-firmware',
      'the file is not a firmware image',
      'publish the .bin file that the build makes of the app',
    );
  }
  if (file.length < SHORTEST) {
    return refused(
      'truncated',
      `the image ends after ${file.length} bytes`,
      'copy the file again: it is not complete',
    );
  }
  return refused(
    'boot-loader',
    'the file is an image without an app descriptor: a boot loader',
    'publish the app: firmware.bin, not bootloader.bin (for the ESP8266, give --chip esp8266)',
  );
}

/** gzip, or zlib's own form. */
function isCompressed(file: Uint8Array): boolean {
  return (
    (byte(file, 0) === 0x1f && byte(file, 1) === 0x8b) ||
    (byte(file, 0) === 0x78 && u16BE(file, 0) % 31 === 0)
  );
}

function u16BE(bytes: Uint8Array, at: number): number {
  return byte(bytes, at) * 0x100 + byte(bytes, at + 1);
}

/** Where flash images of the ESP32 and the ESP32-S2 begin with their boot loader; the bytes before it are 0xFF. */
const BOOT_LOADER = 0x1000;
const FIRST_TABLE = 0x8000;
const LAST_TABLE = 0x20000;
const TABLE_MAGIC = 0x50aa;

function isMerged(file: Uint8Array): boolean {
  const blank = file.length > BOOT_LOADER && file.subarray(0, BOOT_LOADER).every((value) => value === 0xff);
  return blank || (byte(file, 0) === IMAGE_MAGIC && hasPartitionTable(file));
}

/** A partition table begins on a sector of its own, with an entry whose type is app (0) or data (1). */
function hasPartitionTable(file: Uint8Array): boolean {
  for (let at = FIRST_TABLE; at <= LAST_TABLE && at + 2 < file.length; at += BOOT_LOADER) {
    if (u16(file, at) === TABLE_MAGIC && byte(file, at + 2) <= 1) return true;
  }
  return false;
}
