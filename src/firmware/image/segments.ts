import { type Checked, passed, refused } from '../refusal.js';
import { align, byte, equal, type Hash, hex, u32 } from './bytes.js';

/** Where the parts of an image end. Source: esp-idf, components/bootloader_support/src/esp_image_format.c. */
interface Extent {
  /** Behind the checksum, and behind the hash where there is one. */
  readonly end: number;
  /** The SHA-256 that ends the image, in hex; undefined where it has none. */
  readonly appSha256?: string;
}

const HEADER = 24;
const SEGMENT_HEADER = 8;
const MAX_SEGMENTS = 16;
const CHECKSUM_SEED = 0xef;
const HASH = 32;

/** Walks through the segments of an image, and checks the checksum and the hash behind them. */
export function measure(image: Uint8Array, hash: Hash): Checked<Extent> {
  const segments = byte(image, 1);
  if (segments < 1 || segments > MAX_SEGMENTS) {
    return refused('damaged', `the image has ${segments} segments, but an image has 1 to 16`, REBUILD);
  }
  let at = HEADER;
  let checksum = CHECKSUM_SEED;
  for (let i = 0; i < segments; i++) {
    const start = at + SEGMENT_HEADER;
    at = start + (start <= image.length ? u32(image, at + 4) : 0);
    if (at > image.length || start > image.length) return truncated(image, `segment ${i + 1} of ${segments}`);
    for (let j = start; j < at; j++) checksum ^= byte(image, j);
  }
  const end = align(at + 1, 16);
  if (end > image.length) return truncated(image, 'the checksum');
  if (byte(image, end - 1) !== checksum) {
    return refused('damaged', "the image's checksum does not match its segments", REBUILD);
  }
  return byte(image, 23) === 1 ? checkHash(image, end, hash) : passed({ end });
}

function checkHash(image: Uint8Array, end: number, hash: Hash): Checked<Extent> {
  const stated = image.subarray(end, end + HASH);
  if (stated.length < HASH) return truncated(image, 'the hash');
  if (equal(stated, hash('sha256', image.subarray(0, end)))) {
    return passed({ end: end + HASH, appSha256: hex(stated) });
  }
  return refused('damaged', 'the SHA-256 at the end of the image is not that of the image', REBUILD);
}

const REBUILD = 'build the image again, or copy it again as a binary file';

function truncated(image: Uint8Array, what: string): ReturnType<typeof refused> {
  return refused(
    'truncated',
    `the image ends after ${image.length} bytes, before the end of ${what}`,
    'copy the file again: it is not complete',
  );
}
