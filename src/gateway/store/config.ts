/** What `gateway.json` declares. */
import * as dict from '../model/dict.js';
import * as errors from '../model/errors.js';

/** How a group balances its requests. Without a `method` it uses weighted round robin. */
export interface UpstreamConfig {
  method?: 'round_robin' | 'least_conn' | 'hash';
  /** The variable by whose value `hash` selects, such as `$mqtt_client_id`. */
  key?: string;
  /** Initial servers of a group without saved state, as `address parameter=value …`. */
  servers?: string[];
}

/** A keyval zone. With a `timeout` its keys expire. */
interface KeyvalConfig {
  timeout?: string;
}

/** One half of `gateway.json`: what it declares for http or for stream. */
export interface KindConfig {
  upstreams?: { [name: string]: UpstreamConfig };
  keyvals?: { [name: string]: KeyvalConfig };
}

export function upstreamNames(config: KindConfig): string[] {
  return config.upstreams === undefined ? [] : Object.keys(config.upstreams);
}

/** The configuration of a group. Throws `UpstreamNotFound` if it is not declared. */
export function upstreamConfig(config: KindConfig, name: string): UpstreamConfig {
  const found = dict.get(config.upstreams, name);
  if (found === undefined) throw errors.refusal('UpstreamNotFound', 'upstream not found');
  return found;
}

export function keyvalNames(config: KindConfig): string[] {
  return config.keyvals === undefined ? [] : Object.keys(config.keyvals);
}

/** The configuration of a keyval zone. Throws `KeyvalNotFound` if it is not declared. */
export function keyvalConfig(config: KindConfig, zone: string): KeyvalConfig {
  const found = dict.get(config.keyvals, zone);
  if (found === undefined) throw errors.refusal('KeyvalNotFound', 'keyval not found');
  return found;
}
