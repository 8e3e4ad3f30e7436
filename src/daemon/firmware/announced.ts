import type { Address } from '../../core/address.js';
import { defined } from '../../core/defined.js';
import {
  type KeyPrefixes,
  maintenanceKey,
  maintenancePrefix,
  parseInstance,
  servicePrefix,
} from '../../core/keys.js';
import type { KeyValue, RegistryClient } from '../../core/ports.js';
import { decodeRegistration } from '../../core/registration-codec.js';
import { parseRegion } from '../../firmware/names.js';
import type { FirmwareServer } from '../../firmware/offering.js';

export interface AnnouncedOptions {
  readonly prefixes: KeyPrefixes;
  /** The service under which the firmware servers register. */
  readonly service: string;
}

/** A firmware server whose address was read from its key. */
type RegisteredServer = FirmwareServer & { readonly address: Address };

/** The prefixes of everything that `serversIn` looks at. */
export function announcedPrefixes({ prefixes, service }: AnnouncedOptions): readonly string[] {
  return [servicePrefix(prefixes, service), `${maintenancePrefix(prefixes)}${service}/`];
}

/**
 * The registered firmware servers with what they announce as `meta.firmware`, `meta.slots` and `meta.region`; those that are
 * drained are left out.
 */
export function serversIn(
  entries: ReadonlyMap<string, KeyValue>,
  { prefixes, service }: AnnouncedOptions,
): readonly RegisteredServer[] {
  const prefix = servicePrefix(prefixes, service);
  const servers: RegisteredServer[] = [];
  for (const { key, value } of entries.values()) {
    if (!key.startsWith(prefix)) continue;
    const instance = parseInstance(prefixes.services, key);
    if (!instance.ok || entries.has(maintenanceKey(prefixes, instance.value))) continue;
    const { address } = instance.value;
    const decoded = decodeRegistration(prefixes, key, value);
    // NGINX may still have the server by the last value that could be read: nobody knows what it holds.
    if (decoded.status === 'rejected') servers.push({ address });
    else if (!decoded.registration.drain) {
      const { firmware, slots, region } = decoded.registration.meta;
      const announced = { heldUpTo: readNumber(firmware, 16), slots: readNumber(slots, 6) };
      servers.push(defined({ address, ...announced, region: readRegion(region) }));
    }
  }
  return servers;
}

/** The same, read from etcd. Rejects with EtcdError. */
export async function readServers(
  registry: RegistryClient,
  options: AnnouncedOptions,
  signal: AbortSignal,
): Promise<readonly RegisteredServer[]> {
  const lists = await Promise.all(announcedPrefixes(options).map((prefix) => registry.list(prefix, signal)));
  return serversIn(new Map(lists.flat().map((keyValue) => [keyValue.key, keyValue])), options);
}

function readRegion(text: string | undefined): string | undefined {
  const region = parseRegion(text);
  return region.ok ? region.value : undefined;
}

/** Reads a number of at most `digits` digits; undefined for anything else. */
function readNumber(text: string | undefined, digits: number): number | undefined {
  return text !== undefined && /^\d+$/.test(text) && text.length <= digits ? Number(text) : undefined;
}
