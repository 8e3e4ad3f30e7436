import { type Checked, passed, refused } from '../refusal.js';
import type { SecureBoot } from '../release.js';
import { align, byte, crc32, equal, type Hash, u32 } from './bytes.js';

/**
 * How an image is signed for secure boot. Source: esp-idf, components/esp_rom/include/*\/secure_boot.h and
 * docs/en/security/secure-boot-v2.rst.
 */
interface Signing {
  readonly kind: SecureBoot;
  /** How many keys have signed it: up to 3 with version 2. */
  readonly keys: number;
}

const SECTOR = 4096;
const BLOCK = 1216;
const MAX_BLOCKS = 3;
const MAGIC = 0xe7;
const RSA = 2;
const ECDSA = 3;
/** Where a block's CRC-32 is; it is that of all before it. */
const CRC = 1196;
/** A version word and a signature of ECDSA with P-256. */
const V1_LENGTH = 68;

const REMEDY =
  'sign the image again, with `espsecure.py sign_data --version 2`, as the last step of its build';

/** Reads the signature behind an image whose own parts end at `end`. What else is there is not looked at. */
export function readSigning(image: Uint8Array, end: number, hash: Hash): Checked<Signing> {
  const sector = align(end, SECTOR);
  if (isBlock(image, sector)) {
    if (image.length >= sector + SECTOR) return readBlocks(image, sector, hash);
    return refused(
      'truncated',
      `the image ends after ${image.length} bytes, before the end of its secure boot signature`,
      'copy the file again: it is not complete',
    );
  }
  const isV1 = image.length === end + V1_LENGTH && u32(image, end) === 0;
  return passed(isV1 ? { kind: 'v1', keys: 1 } : { kind: 'none', keys: 0 });
}

function isBlock(image: Uint8Array, at: number): boolean {
  return byte(image, at) === MAGIC && [RSA, ECDSA].includes(byte(image, at + 1));
}

function readBlocks(image: Uint8Array, sector: number, hash: Hash): Checked<Signing> {
  let keys = 0;
  while (keys < MAX_BLOCKS && isBlock(image, sector + keys * BLOCK)) {
    const block = image.subarray(sector + keys * BLOCK, sector + (keys + 1) * BLOCK);
    keys += 1;
    if (crc32(block.subarray(0, CRC)) !== u32(block, CRC)) {
      return refused('secure-boot-mismatch', `the CRC of secure boot signature ${keys} is wrong`, REMEDY);
    }
    if (!signs(block, image.subarray(0, sector), hash)) {
      const reason = `secure boot signature ${keys} is of another image: this one was changed after it was signed`;
      return refused('secure-boot-mismatch', reason, REMEDY);
    }
  }
  return passed({ kind: byte(image, sector + 1) === RSA ? 'v2-rsa' : 'v2-ecdsa', keys });
}

/** Whether the block holds the digest of these bytes: SHA-384 with a key of P-384, SHA-256 with all others. */
function signs(block: Uint8Array, signed: Uint8Array, hash: Hash): boolean {
  const sha384 = byte(block, 1) === ECDSA && byte(block, 2) === 1;
  const digest = hash(sha384 ? 'sha384' : 'sha256', signed);
  return equal(block.subarray(4, 4 + digest.length), digest);
}
