import type { OwnAddress } from '../config/options/register.js';
import type { Address } from '../core/address.js';
import { UsageError } from '../core/errors.js';

/** The address to register: as given, or this host's own. */
export async function findAddress(own: OwnAddress, key: string, endpoints: readonly string[]): Promise<Address> {
  if ('address' in own) return own.address;
  throw new UsageError(`${key}: auto is not there yet for ${endpoints}`);
}
