import ipaddr from 'ipaddr.js';
import { err, ok, quote, type Result } from './result.js';

declare const canonical: unique symbol;

/**
 * The address of one server as `host:port`, in the one spelling that two equal addresses share:
 * `10.0.0.11:8080`, or `[2001:db8::1]:8080` with the IPv6 host compressed and in lower case (RFC 5952).
 */
export type Address = string & { readonly [canonical]: true };

/** A host, by name or IP address, and a port. */
export interface HostPort {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const HOST_PORT = /^(?:\[([^\]\s]+)\]|([^:\s[\]]+)):(\d{1,5})$/;

/**
 * Splits `host:port`, or `[host]:port` for IPv6. Undefined where the text is not of this form; the host and the range of
 * the port are for the caller to check.
 */
export function splitHostPort(text: string): HostPort | undefined {
  const parts = HOST_PORT.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  return host === undefined ? undefined : { host, port: Number(parts?.[3]) };
}

/** Four decimal numbers up to 255 without leading zeros: in other notations one address has several spellings. */
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** The longest text that can be an address; a longer one is rejected unread. */
const MAX_LENGTH = 64;

/**
 * Reads `host:port`. The host is an IP address: NGINX would resolve a name that somebody wrote into etcd, and make of it
 * several servers that no registration describes.
 */
export function parseAddress(text: string): Result<Address> {
  const parts = text.length <= MAX_LENGTH ? splitHostPort(text) : undefined;
  if (!parts) return err(`address must be host:port (IPv6 as [host]:port), got ${quote(text)}`);
  const { host, port } = parts;
  if (port < 1 || port > 65535) return err(`port must be 1 to 65535, got ${quote(String(port))}`);
  if (text.startsWith('[')) {
    if (!host.includes('%') && ipaddr.IPv6.isValid(host)) {
      return ok(`[${ipaddr.IPv6.parse(host).toRFC5952String()}]:${port}` as Address);
    }
  } else if (IPV4.test(host)) return ok(`${host}:${port}` as Address);
  return err(`host must be an IP address, got ${quote(host)}`);
}

/** The host part without brackets. */
export function hostOf(address: Address): string {
  const colon = address.lastIndexOf(':');
  return address.startsWith('[') ? address.slice(1, colon - 1) : address.slice(0, colon);
}

/** A set of networks in CIDR form, such as `10.0.0.0/8`. */
export type Networks = readonly ReturnType<typeof ipaddr.parseCIDR>[];

/** Reads one CIDR; a single address stands for itself. */
export function parseNetwork(text: string): Result<Networks[number]> {
  try {
    const cidr = text.includes('/') ? text : `${text}/${ipaddr.parse(text).kind() === 'ipv4' ? 32 : 128}`;
    return ok(ipaddr.parseCIDR(cidr));
  } catch {
    return err(`must be an IP network such as 10.0.0.0/8, got ${quote(text)}`);
  }
}

/** The networks that are in one of the two sets alone. */
export function differingNetworks(one: Networks, other: Networks): Networks {
  const without = (networks: Networks, others: Networks) => {
    const spelled = new Set(others.map(spellNetwork));
    return networks.filter((network) => !spelled.has(spellNetwork(network)));
  };
  return [...without(one, other), ...without(other, one)];
}

function spellNetwork([network, bits]: Networks[number]): string {
  return `${network.toString()}/${bits}`;
}

/** Whether the address lies in one of the networks. */
export function isWithin(address: Address, networks: Networks): boolean {
  const host = ipaddr.process(hostOf(address));
  return networks.some(([network, bits]) => host.kind() === network.kind() && host.match(network, bits));
}
