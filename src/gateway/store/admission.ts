/**
 * Which addresses servers may have. Anyone who may register an instance chooses its address, so it must not lead back into
 * this host: to the API, to etcd, or to anything else that listens for this host alone. The watcher refuses such addresses as
 * well; this check is the second line of defence.
 */
import * as errors from '../model/errors.js';
import * as network from '../model/network.js';
import type { Platform } from './platform.js';

/** Why a server's address is refused; `undefined` if it is allowed. */
export function objection(platform: Platform, server: string): string | undefined {
  const bytes = network.hostOf(server);
  const purpose = network.specialPurpose(bytes);
  if (purpose === undefined && !network.includes(platform.hostAddresses(), bytes)) return undefined;
  if (platform.allow.some((allowed) => network.contains(allowed, bytes))) return undefined;
  const what = purpose === undefined ? "one of the gateway's own addresses" : `a ${purpose} address`;
  return `"${server}" is ${what}, which "allow" in gateway.json does not list`;
}

/** Throws `UpstreamBadAddress` if a server's address is refused. */
export function check(platform: Platform, server: string): void {
  const reason = objection(platform, server);
  if (reason !== undefined) throw errors.refusal('UpstreamBadAddress', reason);
}
