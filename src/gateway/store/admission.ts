/**
 * Which addresses servers may have. A server is whatever someone has registered, so its address must not lead back into
 * this host: to the API, to etcd, to whatever listens for this host alone. The watcher refuses such addresses as well;
 * this is the second line.
 */
import * as errors from '../model/errors.js';
import * as network from '../model/network.js';
import type { Platform } from './platform.js';

/** Why a server's address is refused; `undefined` when it is not. */
export function objection(platform: Platform, server: string): string | undefined {
  const bytes = network.hostOf(server);
  const special = network.specialPurpose(bytes);
  if (special === undefined && !network.includes(platform.own(), bytes)) return undefined;
  if (platform.allow.some((allowed) => network.contains(allowed, bytes))) return undefined;
  const what = special === undefined ? "one of the gateway's own addresses" : `a ${special} address`;
  return `"${server}" is ${what}, which "allow" in gateway.json does not have`;
}

/** Throws the API's answer for an address that no server may have. */
export function check(platform: Platform, server: string): void {
  const reason = objection(platform, server);
  if (reason !== undefined) throw errors.failure(400, 'UpstreamBadAddress', reason);
}
