/**
 * Which devices a percentage takes in. NGINX runs this as well: see version.ts for what njs lacks.
 *
 * The salt comes first and the hash is a real one, so that the cohorts of two salts have nothing to do with each other, and
 * a growing percentage keeps those who are in.
 */

/** The finest share is one device in so many. */
export const BUCKETS = 10_000;

/** SHA-256 of a text. */
export type Digest = (text: string) => ArrayLike<number>;

/** The bucket of a device: 0 to 9,999. The id is in its normal spelling, and the salt printable ASCII. */
export function bucketOf(salt: string, id: string, digest: Digest): number {
  return hash(`${salt}:${id}`, digest) % BUCKETS;
}

/** The first 32 bits of a text's SHA-256. */
export function hash(text: string, digest: Digest): number {
  const bytes = digest(text);
  const high = (bytes[0] as number) * 0x1000000 + (bytes[1] as number) * 0x10000;
  return high + (bytes[2] as number) * 0x100 + (bytes[3] as number);
}
