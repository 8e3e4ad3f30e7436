import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type Networks, parseNetwork } from '../core/address.js';

/** Where Linux lists what it delivers to itself, for IPv4 and for IPv6. */
const FIB_TRIE = '/proc/net/fib_trie';
const IF_INET6 = '/proc/net/if_inet6';

/**
 * Every address at which this host, or this container, reaches itself. Node.js lists the interfaces that are up and have
 * a carrier; an address of any other is local as well, and so is one that only a route makes so. Those are read from
 * Linux's own tables, where there are any.
 */
export async function ownAddresses(): Promise<Networks> {
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const [trie, inet6] = await Promise.all([readOrNothing(FIB_TRIE), readOrNothing(IF_INET6)]);
  const all = [...interfaces.map(({ address }) => address), ...localRoutes(trie), ...inet6Addresses(inet6)];
  return [...new Set(all)].flatMap((text) => {
    const network = parseNetwork(text);
    return network.ok ? [network.value] : [];
  });
}

/** The networks that the kernel's table has as `host LOCAL`: a line with the address, then one with its prefix length. */
export function localRoutes(trie: string): readonly string[] {
  const found: string[] = [];
  let address: string | undefined;
  for (const line of trie.split('\n')) {
    address = /^[ |+-]*(?:\|--|\+--) ([\d.]+)/.exec(line)?.[1] ?? address;
    const bits = /^\s*\/(\d+) host LOCAL/.exec(line)?.[1];
    if (bits !== undefined && address !== undefined) found.push(`${address}/${bits}`);
  }
  return found;
}

/** The addresses, each written as 32 hexadecimal digits at the beginning of its line. */
export function inet6Addresses(table: string): readonly string[] {
  return [...table.matchAll(/^([0-9a-f]{32}) /gm)].map(
    ([, digits = '']) => digits.match(/.{4}/g)?.join(':') ?? '',
  );
}

/** Another system has no such file. */
async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
