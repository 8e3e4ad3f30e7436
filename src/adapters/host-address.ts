import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { type Address, parseAddress } from '../core/address.js';
import { messageOf, SidekickError } from '../core/errors.js';

/** This host's own address on one of its network interfaces, IPv4 before IPv6, link-local ones left out. */
export function addressOfInterface(name: string, port: number, all = networkInterfaces()): Address {
  const usable = (all[name] ?? []).filter(({ address }) => !isLinkLocal(address));
  const chosen = usable.find(({ family }) => family === 'IPv4') ?? usable[0];
  if (chosen) return toAddress(chosen.address, port);
  throw noAddress(all[name] ? `interface ${name} has no address` : unknownInterface(name, all));
}

/**
 * This host's own address on its route to the first endpoint that it has a route to. An endpoint on this very host
 * gives a loopback address, which is right only where everything else is on this host too.
 */
export async function addressTowards(endpoints: readonly string[], port: number): Promise<Address> {
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    try {
      return toAddress(await localAddressTo(hostOf(endpoint)), port);
    } catch (error) {
      failures.push(`${endpoint}: ${messageOf(error)}`);
    }
  }
  throw noAddress(`there is no route to ${failures.join('; ')}`);
}

/** Connecting a UDP socket sends nothing: it makes the system choose the route, and with it the local address. */
async function localAddressTo(host: string): Promise<string> {
  const { address, family } = await lookup(host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      // The port does not matter to the route, but must not be 0.
      socket.connect(9, address, resolve);
    });
    return socket.address().address;
  } finally {
    socket.close();
  }
}

function hostOf(endpoint: string): string {
  const { hostname } = new URL(endpoint.includes('://') ? endpoint : `http://${endpoint}`);
  return hostname.replace(/^\[|\]$/g, '');
}

function toAddress(host: string, port: number): Address {
  const address = parseAddress(isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
  if (!address.ok) throw noAddress(address.reason);
  return address.value;
}

/** 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291) mean nothing on another link. */
function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab]/i.test(address);
}

function unknownInterface(name: string, all: NodeJS.Dict<NetworkInterfaceInfo[]>): string {
  return `there is no interface ${name}; there are ${Object.keys(all).join(', ')}`;
}

/** At boot the network may not be there yet: the caller tries again. */
function noAddress(reason: string): SidekickError {
  return new SidekickError('NO_ADDRESS', reason);
}
