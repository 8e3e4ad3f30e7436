import ipaddr from 'ipaddr.js';
import { err, ok, quote, type Result } from './result.js';

declare const canonical: unique symbol;

/**
 * The address of one server as `host:port`, in the one spelling that two equal addresses share:
 * `10.0.0.11:8080`, or `[2001:db8::1]:8080` with the IPv6 host compressed and in lower case (RFC 5952).
 */
export type Address = string & { readonly [canonical]: true };

/** The longest text that can be an address; what is longer meets no expression. */
const MAX_LENGTH = 64;
const HOST_AND_PORT = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/;

/**
 * Reads `host:port`. The host is an IP literal: a name would make NGINX resolve what a key in etcd says,
 * and would split into several servers that no registration stands for.
 */
export function parseAddress(text: string): Result<Address> {
  const parts = text.length <= MAX_LENGTH ? HOST_AND_PORT.exec(text) : null;
  if (!parts) return err(`address must be host:port (IPv6 as [host]:port), got ${quote(text)}`);
  const [, v6, v4, portText] = parts;
  const port = Number(portText);
  if (port < 1 || port > 65535) return err(`port must be 1 to 65535, got ${quote(portText ?? '')}`);
  if (v4 !== undefined) {
    if (!ipaddr.IPv4.isValidFourPartDecimal(v4)) return err(`host must be an IP address, got ${quote(v4)}`);
    return ok(`${v4}:${port}` as Address);
  }
  const host = v6 ?? '';
  if (host.includes('%') || !ipaddr.IPv6.isValid(host)) {
    return err(`host must be an IP address, got ${quote(host)}`);
  }
  return ok(`[${ipaddr.IPv6.parse(host).toRFC5952String()}]:${port}` as Address);
}

/** The host part without brackets. */
export function hostOf(address: Address): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

export function portOf(address: Address): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
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

/** Whether the address lies in one of the networks. */
export function isWithin(address: Address, networks: Networks): boolean {
  const host = ipaddr.process(hostOf(address));
  return networks.some(([network, bits]) => host.kind() === network.kind() && host.match(network, bits));
}
