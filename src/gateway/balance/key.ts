/** The bucket of a request whose group hashes: SHA-256 of a variable's value, as ring.ts lays the buckets out. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';
import type { KindConfig } from '../store/platform.js';

/** Bucket of the value of the group's key, or of `fallback` where the group names none. */
function bucket(
  variables: { [name: string]: string | undefined },
  config: KindConfig | undefined,
  group: string,
  fallback: string,
): number {
  const upstreams = config === undefined ? undefined : config.upstreams;
  const declared = upstreams === undefined ? undefined : upstreams[group];
  const named =
    declared === undefined || declared.key === undefined ? fallback : declared.key.replace('$', '');
  const value = variables[named];
  const digest = crypto
    .createHash('sha256')
    .update(value === undefined ? '' : value)
    .digest();
  // The first 13 of 32 bits: 8192 buckets.
  return (digest[0] as number) * 32 + ((digest[1] as number) >> 3);
}

export default { bucket };
