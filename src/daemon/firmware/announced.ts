import {
  type KeyPrefixes,
  maintenanceKey,
  maintenancePrefix,
  parseInstance,
  servicePrefix,
} from '../../core/keys.js';
import type { KeyValue, RegistryClient } from '../../core/ports.js';
import { decodeRegistration } from '../../core/registration-codec.js';

export interface AnnouncedOptions {
  readonly prefixes: KeyPrefixes;
  /** The service under which the firmware servers register. */
  readonly service: string;
}

/** The prefixes of everything that `announcedIn` looks at. */
export function announcedPrefixes({ prefixes, service }: AnnouncedOptions): readonly string[] {
  return [servicePrefix(prefixes, service), `${maintenancePrefix(prefixes)}${service}/`];
}

/**
 * What the registered firmware servers announce as `meta.firmware`, those that are drained left out; undefined for one
 * that announces nothing that can be read.
 */
export function announcedIn(
  entries: ReadonlyMap<string, KeyValue>,
  { prefixes, service }: AnnouncedOptions,
): readonly (number | undefined)[] {
  const prefix = servicePrefix(prefixes, service);
  const announced: (number | undefined)[] = [];
  for (const { key, value } of entries.values()) {
    if (!key.startsWith(prefix)) continue;
    const instance = parseInstance(prefixes.services, key);
    if (!instance.ok || entries.has(maintenanceKey(prefixes, instance.value))) continue;
    const decoded = decodeRegistration(prefixes, key, value);
    // Of a value that cannot be read the last good one may still be in NGINX: nobody knows what that server holds.
    if (decoded.status === 'rejected') announced.push(undefined);
    else if (!decoded.registration.drain) announced.push(readRevision(decoded.registration.meta.firmware));
  }
  return announced;
}

/** The same, read from etcd. Rejects with EtcdError. */
export async function announcedRevisions(
  registry: RegistryClient,
  options: AnnouncedOptions,
  signal: AbortSignal,
): Promise<readonly (number | undefined)[]> {
  const lists = await Promise.all(announcedPrefixes(options).map((prefix) => registry.list(prefix, signal)));
  return announcedIn(new Map(lists.flat().map((keyValue) => [keyValue.key, keyValue])), options);
}

/** `meta.firmware` as a number; undefined for anything else. */
function readRevision(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}
