/** Ten thousand devices, and rollouts that take in a share of them. */
import { createHash } from 'node:crypto';
import { bucketOf, type Digest } from '../../src/firmware/shared/cohort.js';

const digest: Digest = (text) => createHash('sha256').update(text).digest();

/** As a batch of devices leaves the factory: ids that follow one another. */
export const DEVICE_IDS: readonly string[] = Array.from({ length: 10_000 }, (_, i) => {
  const high = (i >> 8).toString(16).padStart(2, '0');
  return `24:6f:28:01:${high}:${(i & 255).toString(16).padStart(2, '0')}`;
});

/** The bucket of a device, by what TypeScript makes of it. */
export function bucket(salt: string, id: string): number {
  return bucketOf(salt, id, digest);
}

/** Those that a percentage takes in. */
export function cohort(salt: string, percent: number): ReadonlySet<string> {
  return new Set(DEVICE_IDS.filter((id) => bucket(salt, id) < percent * 100));
}
